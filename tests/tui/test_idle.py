"""A screen that reads again what has not changed paints nothing: over SSH each byte counts."""

from typing import Any

import pytest
from textual.widget import Widget
from textual.widgets import Input, TextArea

from firetower.tui.form.screen import FormScreen
from firetower.tui.messages import DatabaseChanged
from firetower.tui.screens.automation import AutomationScreen, AutomationsScreen
from firetower.tui.screens.container import ProjectScreen, RegistryScreen
from firetower.tui.screens.endpoint import EndpointScreen
from firetower.tui.screens.endpoints import EndpointsScreen
from firetower.tui.screens.execution import ExecutionScreen
from firetower.tui.screens.feed import FeedScreen
from firetower.tui.screens.run import RunScreen
from tui.scene import Scene
from tui.screens import open_app, press, settled

pytestmark = pytest.mark.anyio
SCREENS = (
    (RegistryScreen, "automations", ("1", "enter")),
    (RegistryScreen, "collections", ("left",)),
    (RegistryScreen, "history", ("right", "right")),
    (ProjectScreen, "automations", ("2", "end", "enter")),
    (ProjectScreen, "runs", ("left",)),
    (RunScreen, "", ("enter",)),
    (FeedScreen, "", ("escape", "3")),
    (ExecutionScreen, "", ("enter",)),
    (AutomationsScreen, "", ("escape", "4")),
    (AutomationScreen, "", ("enter",)),
    (FormScreen, "", ("e",)),
    (EndpointsScreen, "", ("escape", "escape", "5")),
    (EndpointScreen, "", ("enter",)),
)
"""Each screen, its tab, and the keys to it from the one before."""


@pytest.mark.slow
async def test_nothing_is_painted_for_what_has_not_changed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[tuple[str, str]] = []
    refresh = Widget.refresh
    scene.tower.runs.start("acme/vision", name="resnet")

    def note(widget: Widget, *regions: Any, **options: Any) -> Widget:
        painted.append((type(widget.screen).__name__, widget.css_identifier))
        return refresh(widget, *regions, **options)

    async with open_app(scene) as pilot:
        for screen, tab, keys in SCREENS:
            await press(pilot, *keys)
            shown = pilot.app.screen
            assert isinstance(shown, screen)
            assert getattr(shown, "tab", "") == tab
            shown.post_message(DatabaseChanged())
            await settled(pilot)  # what is read for the first time is news
            with monkeypatch.context() as patch:
                patch.setattr(Widget, "refresh", note)
                shown.post_message(DatabaseChanged())
                await settled(pilot)
    assert painted == []


async def test_a_cursor_in_a_field_that_waits_paints_nothing(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter", "slash")
        fields: list[Input | TextArea] = [*pilot.app.screen.query(Input)]
        await press(pilot, "escape", "e")
        form = pilot.app.screen
        fields += [*form.query(Input), *form.query(TextArea)]
        assert {Input, TextArea} <= {kind for one in fields for kind in type(one).__mro__}
        assert not any(one.cursor_blink for one in fields)
