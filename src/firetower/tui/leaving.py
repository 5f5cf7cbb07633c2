"""Leaving the app, or a screen, without losing what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

from textual.app import App
from textual.screen import Screen

from firetower.tui.messages import LeaveUnsaved
from firetower.tui.page import Page, ask

LEAVE_WITHIN = 2.0
"""Seconds within which the key that leaves the app is pressed again."""


class Leaving:
    """Asks before something is lost."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._pressed_at = -LEAVE_WITHIN
        self._asks = False

    def is_confirmed(self) -> bool:
        """Note that the key was pressed; return whether for the second time in a row.

        The first may have been meant for a screen before.
        """
        now = monotonic()
        confirmed = now - self._pressed_at < LEAVE_WITHIN
        self._pressed_at = now
        return confirmed

    def quit(self, screens: Sequence[Screen[Any]]) -> None:
        """Leave, after a question if a screen would lose something typed; asked again, at once."""
        losses = [screen.unsaved for screen in screens if isinstance(screen, Page)]
        if not any(losses) or self._asks:
            self._app.exit()
            return
        from firetower.tui.widgets.ask import Confirm

        self._asks = True
        question = Confirm(
            "Leave Firetower?", "\n".join(filter(None, losses)), [("leave", "Leave")]
        )
        self._app.push_screen(question, self._answered)

    def _answered(self, answer: str | None) -> None:
        self._asks = False
        if answer is not None:
            self._app.exit()


async def leave_screen(request: LeaveUnsaved) -> None:
    """Close a screen if losing what was typed there is confirmed."""
    from firetower.tui.widgets.ask import Confirm

    question = Confirm("Leave without saving?", request.loss, [("leave", "Leave")])
    if await ask(request.source, question):
        request.source.dismiss(None)
