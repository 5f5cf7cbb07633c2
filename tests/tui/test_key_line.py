"""The line of keys: whole keys alone, the way to all of them, and the mouse."""

import pytest

from firetower.tui.actions import ACTIONS
from firetower.tui.form.screen import FormScreen
from firetower.tui.palette import HelpScreen
from tui.scene import Scene
from tui.screens import SMALL, WIDE, open_app, press, screen_text, settled

pytestmark = pytest.mark.anyio


async def test_key_line_shows_whole_keys_and_help(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "enter")
        line = screen_text(pilot)[-1]
        assert line.startswith(" / Filter n New ")
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
        assert "space Disable" not in screen_text(pilot)[-1]
        await press(pilot, "enter")
        assert "space Disable" in screen_text(pilot)[-1]
        await press(pilot, "space")  # it says what the key does now
        assert "space Enable" in screen_text(pilot)[-1]
        await press(pilot, "j")
        assert "space Disable" in screen_text(pilot)[-1]
        await press(pilot, "5")
        assert "space Disable" in screen_text(pilot)[-1]
        await press(pilot, "space")
        assert "space Enable" in screen_text(pilot)[-1]


TOGETHER = [
    {"app", "page", "container", "list", "table", tab}
    for tab in ("automations", "collections", "executions")
] + [
    {"app", "page", "list", "table", *screens}
    for screens in (
        ("automations", "all-automations"),
        ("executions", "feed"),
        *((screen,) for screen in ("automation", "collection", "version", "execution", "secrets")),
        *((screen,) for screen in ("endpoints", "endpoint", "worker-log")),
    )
]
"""The screens of actions whose keys work at one place."""


@pytest.mark.parametrize("places", TOGETHER, ids=lambda places: " ".join(sorted(places)))
def test_a_key_means_one_thing_at_one_place(places: set[str]) -> None:
    meanings: dict[str, set[str]] = {}
    for action in ACTIONS:
        if action.screen in places and action.id != "list.clear-filter":  # a step back too
            for key in action.keys.split(","):
                meanings.setdefault(key, set()).add(action.id)
    back = {"app.leave", "page.back"}  # one, or the other where nothing is behind
    twice = {key: ids for key, ids in meanings.items() if len(ids - back) > 1}
    moves = {"container.previous-tab", "container.next-tab"}
    assert {key: ids for key, ids in twice.items() if not ids & moves} == {}
