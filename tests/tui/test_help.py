"""Help: what can be done where it was asked for."""

import pytest
from textual.pilot import Pilot

from firetower.tui.palette import HelpScreen
from tui.form.driving import new_form, to
from tui.scene import Scene
from tui.screens import SMALL, line_with, open_app, press, screen_text, shows

pytestmark = pytest.mark.anyio


async def helped(pilot: Pilot[None]) -> set[str]:
    """Ask for help, read it to its end, and go back."""
    await press(pilot, "question_mark")
    assert isinstance(pilot.app.screen, HelpScreen)
    seen: set[str] = set()
    for _ in range(4):
        rows = (line.strip(" │▅▃▄▂▁▆▇█") for line in _dialog(pilot))
        seen |= {row.split("  ", 1)[1].strip() for row in rows if "  " in row}
        await press(pilot, "pagedown")
    await press(pilot, "escape")
    return seen


def _dialog(pilot: Pilot[None]) -> list[str]:
    lines = screen_text(pilot)
    left = next(line.index("╭") for line in lines if "╭" in line)
    return [line[left : left + 72] for line in lines if len(line) > left and line[left] == "│"]


PLACES = [
    (
        (),
        {"New", "Edit", "Enable or disable", "Shadow", "Delete", "Create", "Filter"},
        {"Save", "Webhook"},
    ),
    (("3",), {"Open", "Filter"}, {"New", "Edit", "Save", "Webhook"}),
    (
        ("5",),
        {"Webhook", "Slack", "Edit", "Test", "Enable or disable"},
        {"Shadow", "Save"},
    ),
    (("S",), {"Delete", "Back"}, {"Edit", "Shadow", "Slack"}),
    (("n",), {"Save", "Back", "Preview ↓", "Preview ↑"}, {"New", "Delete", "Create"}),
]


async def test_help_lists_the_keys_of_each_screen(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "enter")
        for keys, there, not_there in PLACES:
            await press(pilot, *keys)
            told = await helped(pilot)
            assert there <= told, keys
            assert not not_there & told, keys
            assert told >= {"Help", "Registry", "Project", "Feed"}
            if keys in {("3",), ("5",)}:
                await press(pilot, "1")
            elif keys:
                await press(pilot, "escape")


async def test_help_omits_what_is_off_here(empty_scene: Scene) -> None:
    async with open_app(empty_scene) as pilot:
        await press(pilot, "5")
        told = await helped(pilot)
        assert {"Webhook", "Slack"} <= told
        assert not {"Test", "Enable or disable", "Delete"} & told
        assert "End the tour" not in told


async def test_help_lists_undo_after_a_deletion(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter")
        undo = "Undo the last change made on this screen"
        assert undo not in await helped(pilot)
        await press(pilot, "d")
        await press(pilot, "right", "right", "enter")
        assert undo in await helped(pilot)


async def test_help_in_the_form_opens_except_while_typing(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        form = await new_form(pilot)
        await press(pilot, "question_mark")
        assert "ctrl+o f2  Save" in line_with(pilot, "Save", "f2")
        await press(pilot, "end")
        assert shows(pilot, "alias belongs to a collection")
        await press(pilot, "escape")
        await to(pilot, "alias-regex")
        await press(pilot, "question_mark")
        assert pilot.app.screen is form
        await to(pilot, "action-type")
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        await press(pilot, "q")
        assert pilot.app.screen is form
