"""The line of keys: whole keys alone, the way to all of them, and the mouse."""

import pytest

from firetower.tui.form.screen import FormScreen
from firetower.tui.screens.help import HelpScreen
from tui.scene import Scene
from tui.screens import SMALL, WIDE, open_app, press, screen_text, settled

pytestmark = pytest.mark.anyio


async def test_key_line_shows_whole_keys_and_help(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "enter")
        line = screen_text(pilot)[-1]
        assert line.startswith(" v Select / Filter n New ")
        assert line.endswith("▏ q Back ? Help")
        assert "esc" not in line


async def test_key_line_clicked_presses_the_key(scene: Scene) -> None:
    async with open_app(scene, WIDE) as pilot:
        await press(pilot, "enter")
        for said, screen in (("e Edit", FormScreen), ("? Help", HelpScreen)):
            column = screen_text(pilot)[-1].index(said)
            await pilot.hover(offset=(column, WIDE[1] - 1))
            await pilot.click(offset=(column, WIDE[1] - 1))
            await settled(pilot)
            assert isinstance(pilot.app.screen, screen)
            await press(pilot, "escape")


async def test_key_line_follows_the_focus(scene: Scene) -> None:
    async with open_app(scene, WIDE) as pilot:
        assert "space Enable" not in screen_text(pilot)[-1]
        await press(pilot, "enter")
        assert "space Enable" in screen_text(pilot)[-1]
