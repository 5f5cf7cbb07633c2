"""One step back, everywhere, and leaving the app: on purpose, and never with something typed."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from firetower.tui import app as app_module
from firetower.tui.screens.automation import AutomationScreen
from firetower.tui.screens.container import RegistryScreen
from firetower.tui.screens.feed import FeedScreen
from firetower.tui.widgets.ask import Confirm, Picker
from tui.form.driving import new_form
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, settled, shows, until, write

pytestmark = pytest.mark.anyio


def on(pilot: Pilot[None], kind: type) -> bool:
    return isinstance(pilot.app.screen, kind)


async def test_q_and_escape_go_back_and_leave_only_at_the_root(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        for back in ("q", "escape"):
            await press(pilot, "enter", "enter")
            assert on(pilot, AutomationScreen)
            await press(pilot, back)
            assert on(pilot, RegistryScreen)
            assert shows(pilot, "note-candidates")
            await press(pilot, back)
            assert pilot.app.screen.focused is pilot.app.screen.query_one("#containers Table")
        await press(pilot, "escape", "escape")
        assert pilot.app.is_running
        assert not shows(pilot, "again to leave")
        await press(pilot, "3", "slash", "q", "q", "enter")
        assert pilot.app.screen.query_one(Input).value == "qq"
        await press(pilot, "q")
        assert not shows(pilot, "again to leave")
        assert on(pilot, FeedScreen)
        await press(pilot, "q")
        assert shows(pilot, "Press q again to leave Firetower")
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_the_second_q_counts_only_soon_after_the_first(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(app_module, "monotonic", lambda: now)
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "q")
        now = app_module.LEAVE_WITHIN + 0.1
        await press(pilot, "q")
        assert pilot.app.is_running


async def test_leaving_with_unsaved_text_asks(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        form = await new_form(pilot)
        form.fields.lines["name"].focus()
        await write(pilot, "mine")
        await press(pilot, "ctrl+q")
        assert on(pilot, Confirm)
        assert shows(pilot, "Leave Firetower?")
        await press(pilot, "escape", "ctrl+q", "right", "enter")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_ctrl_c_copies_a_selection_or_says_how_to_leave(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "ctrl+c")
        assert shows(pilot, "Nothing is selected. q goes back, ctrl+q leaves")
        await press(pilot, "c")
        await write(pilot, "datasets-2")
        await press(pilot, "shift+home", "ctrl+c")
        assert pilot.app.clipboard == "datasets-2"
        assert shows(pilot, "Copied 10 characters.")


async def test_click_beside_a_dialog_closes_it(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter", "d")
        assert on(pilot, Confirm)
        await pilot.click(".dialog--title")
        assert on(pilot, Confirm)
        await pilot.click(offset=(2, 3))
        await settled(pilot)
        assert on(pilot, RegistryScreen)


async def test_a_picker_is_cancelled_by_its_button(scene: Scene) -> None:
    definition = scene.tower.automations.get("note-candidates").definition
    changed = definition.model_copy(update={"description": "changed"})
    scene.tower.automations.edit("note-candidates", changed)
    async with open_app(scene) as pilot:
        await press(pilot, "enter", "j", "j")
        await press(pilot, "enter", "R")
        assert on(pilot, Picker)
        await pilot.click("#cancel")
        await settled(pilot)
        assert on(pilot, AutomationScreen)
