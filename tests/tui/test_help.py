"""Help: what can be done where it was asked for."""

import pytest
from textual.pilot import Pilot

from firetower.tui.screens.help import HelpScreen
from tui.form.driving import new_form, to
from tui.scene import Scene
from tui.screens import SMALL, WIDE, line_with, open_app, press, screen_text, shows

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
        ("i",),
        {"Webhook", "Slack", "Test", "Enable or disable", "Back"},
        {"Edit", "Shadow", "Save"},
    ),
    (("S",), {"Delete", "Back"}, {"Edit", "Shadow", "Slack"}),
    (("n",), {"Save", "Cancel", "Preview ↓", "Preview ↑"}, {"New", "Delete", "Create"}),
]


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize(
    ("keys", "there", "not_there"), PLACES, ids=["registry", "feed", "i", "S", "form"]
)
async def test_help_is_of_the_place(
    scene: Scene, size: tuple[int, int], keys: tuple[str, ...], there: set[str], not_there: set[str]
) -> None:
    async with open_app(scene, size) as pilot:
        await press(pilot, "enter")
        if keys:
            await press(pilot, *keys)
        told = await helped(pilot)
        assert there <= told
        assert not not_there & told
        assert told >= {"Help", "Registry", "Project", "Feed"}


async def test_what_is_off_here_is_not_shown(empty_scene: Scene) -> None:
    async with open_app(empty_scene) as pilot:
        await press(pilot, "i")
        told = await helped(pilot)
        assert {"Webhook", "Slack"} <= told
        assert not {"Test", "Enable or disable", "Delete"} & told
        assert "End the tour" not in told


async def test_undo_is_shown_once_something_was_deleted(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter")
        assert "Undo" not in await helped(pilot)
        await press(pilot, "d")
        await press(pilot, "right", "right", "enter")
        assert "Undo" in await helped(pilot)


async def test_several_keys_of_one_action_stand_on_one_line(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await press(pilot, "question_mark")
        assert "ctrl+o f2  Save" in line_with(pilot, "Save", "f2")
        assert shows(pilot, "alias belongs to a collection")


async def test_help_opens_from_a_choice_but_typing_a_question_mark_types_it(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        form = await new_form(pilot)
        await to(pilot, "alias-regex")
        await press(pilot, "question_mark")
        assert pilot.app.screen is form
        await to(pilot, "action-type")
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        await press(pilot, "q")
        assert pilot.app.screen is form
