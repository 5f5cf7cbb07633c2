"""The Secrets screen."""

import pytest
from textual.widgets import Input

from firetower.tui.widgets.key_line import KeyLine
from tui.scene import Scene
from tui.screens import SMALL, line_with, open_app, press, settled, shows, write

pytestmark = pytest.mark.anyio


def names(scene: Scene) -> list[str]:
    return [secret.name for secret in scene.tower.secrets.list()]


async def test_it_lists_names_and_never_values(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "S")
        assert shows(pilot, "CI_TOKEN", "9 d ago", "ci-deploy")
        assert shows(pilot, "SLACK_ML", "team-ml")
        assert not shows(pilot, "hidden")


async def test_a_secret_is_saved_by_keys_masked(empty_scene: Scene) -> None:
    async with open_app(empty_scene) as pilot:
        await press(pilot, "S")
        assert shows(pilot, "Press n to save one")
        await press(pilot, "n")
        await write(pilot, "bad-name")
        await press(pilot, "tab")
        await write(pilot, "hush")
        assert shows(pilot, "••••")
        assert not shows(pilot, "hush")
        await press(pilot, "ctrl+o")
        assert shows(pilot, 'secret name "bad-name" is not allowed')
        await press(pilot, *["backspace"] * 5, *"_x", "ctrl+o")
        assert shows(pilot, "bad_x", "now", "nobody")
        assert shows(pilot, "Saved bad_x, encrypted.")
    assert names(empty_scene) == ["bad_x"]


async def test_enter_shows_its_user_and_another_value_is_given_by_mouse(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "S")
        await pilot.click("#secrets Table", offset=(3, 2), times=2)
        await settled(pilot)
        assert shows(pilot, "Endpoints › ci-deploy")
        await press(pilot, "escape")
        await pilot.click(KeyLine, offset=(line_with(pilot, "New value").index("e New value"), 0))
        await settled(pilot)
        assert shows(pilot, "New value of CI_TOKEN")
        assert shows(pilot, "still signs for 24 hours")
        await pilot.click(Input)
        await write(pilot, "other")
        await pilot.click("#save")
        await settled(pilot)
        assert shows(pilot, "CI_TOKEN", "now")


async def test_deleting_asks_and_is_refused_while_it_is_used(scene: Scene) -> None:
    scene.tower.secrets.set("SPARE", "x")
    async with open_app(scene) as pilot:
        await press(pilot, "S", "d")
        assert shows(pilot, "1 endpoint still use")
        await press(pilot, "right", "enter")
        assert shows(pilot, "secret CI_KEY is used by ci-deploy")
        await press(pilot, "end", "d", "enter")
        assert "SPARE" in names(scene)
        await press(pilot, "d")
        await pilot.click("Confirm Button.-error")
        await settled(pilot)
        assert "SPARE" not in names(scene)
