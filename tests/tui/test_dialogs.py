"""Dialogs on the smallest screen: what a key acts on is in sight, however long the texts are."""

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from firetower.core.endpoints import EndpointKind
from firetower.core.errors import Conflict
from firetower.core.references import ContainerKind
from firetower.tower import Tower
from firetower.tui.page import Dialog
from firetower.tui.screens.catalog import new_container
from firetower.tui.screens.endpoint_dialogs import EndpointDialog
from firetower.tui.widgets.ask import Answers, Ask, Confirm, Picker
from firetower.tui.widgets.entries import Offer
from firetower.tui.widgets.field import TextField
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, screen_text, settled

pytestmark = pytest.mark.anyio

NAME = "a-name-of-255-" + "x" * 241
TEXT = " ".join([NAME, "and what it says"] * 20)


def refuse(_: Tower, __: Answers) -> None:
    raise Conflict(TEXT, TEXT)


def dialogs() -> list[Dialog[Any]]:
    """Return dialogs with more text than there is room for."""
    fields = [TextField(f"field-{number}", f"Field {number}", note=NAME) for number in range(9)]
    offers = [Offer(str(number), f"{number} {NAME}", TEXT) for number in range(50)]
    return [
        Confirm(f"Delete {NAME}?", TEXT, "Disable instead", "Delete"),
        Ask(f"Edit {NAME}", fields, refuse, detail=TEXT),
        Picker(f"New automation in {NAME}", offers),
        Picker(f"New automation in {NAME}", offers[:9]),
        EndpointDialog(EndpointKind.WEBHOOK),
        new_container(ContainerKind.PROJECT),
    ]


def check_in_sight(pilot: Pilot[None]) -> None:
    """Fail unless the focus and every button are in sight."""
    screen = pilot.app.screen
    assert screen.focused is not None
    for widget in (screen.focused, *screen.query(Button)):
        seen = screen.find_widget(widget)
        assert seen.visible_region.height, (widget, "\n".join(screen_text(pilot)))
        assert screen.region.contains_region(seen.visible_region)


@pytest.mark.slow
async def test_focus_and_buttons_are_in_sight(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        for dialog in dialogs():
            pilot.app.push_screen(dialog)
            await settled(pilot)
            check_in_sight(pilot)
            for _ in range(len(dialog.focus_chain)):
                await press(pilot, "tab")
                check_in_sight(pilot)
            if isinstance(dialog, Ask):
                await press(pilot, "ctrl+o")
                check_in_sight(pilot)
            if isinstance(dialog, Confirm):
                before = screen_text(pilot)
                await press(pilot, "pagedown")
                assert screen_text(pilot) != before
                check_in_sight(pilot)
            dialog.dismiss(None)
            await settled(pilot)
