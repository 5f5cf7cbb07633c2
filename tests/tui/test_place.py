"""The registry and project screens."""

import pytest

from tui.scene import Scene
from tui.screens import SMALL, open_app, press, screen_text, settled, shows

pytestmark = pytest.mark.anyio


async def test_it_opens_on_the_busiest_registry(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        assert shows(pilot, "Registry › models", "2 collections · 5 versions")
        assert shows(pilot, "deploy-on-prod", "alias added", "✓ on", "now")
        assert shows(pilot, "tell-compliance", "◌ off", "never")
        assert shows(pilot, "canary-f1", "▸ shadow")


async def test_every_mode_says_how_the_database_stands(scene: Scene) -> None:
    scene.beat()
    async with open_app(scene) as pilot:
        for key in ("1", "2", "3", "1"):
            await press(pilot, key)
            top = screen_text(pilot)[0]
            assert "✓ worker 4121  1 due  last event now" in top


async def test_the_status_gives_way_to_a_narrow_screen(scene: Scene) -> None:
    scene.beat()
    async with open_app(scene, SMALL) as pilot:
        top = screen_text(pilot)[0]
        assert top.endswith("✓ worker 4121  1 due")
        await pilot.resize_terminal(120, 40)
        await settled(pilot)
        assert "/srv/firetower/tower.db" in screen_text(pilot)[0]
