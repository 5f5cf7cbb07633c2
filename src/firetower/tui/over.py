"""Screens over others: shown over the one that they were asked for from, and left once."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen

T = TypeVar("T")


def show(node: DOMNode, screen: Screen[None]) -> None:
    """Show a screen over the one that a node is in, unless another is over that by now.

    A second press of the same key may be on its way, or what is shown have waited for the database.
    """
    if node.screen.is_active:
        node.app.push_screen(screen)


async def ask(node: DOMNode, dialog: Screen[T | None]) -> T | None:
    """Return what a dialog gives back, in a worker; None where another screen is over the node's.

    Whoever has gone on meanwhile is not asked: nothing is done then.
    """
    if not node.screen.is_active:
        return None
    return await node.app.push_screen_wait(dialog)


class Over(Screen[T]):
    """A screen that is left once, and never takes another one with it.

    Textual would leave whichever is on top: with a second click, or with what was saved late.
    """

    _given: tuple[T | None] | None = None
    """What it gives back once nothing is over it: what it was first left with."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Leave the screen, at once or when what is over it is left."""
        self._given = self._given or (result,)
        if self.is_active:
            return super().dismiss(*self._given)
        return AwaitComplete()

    def on_screen_resume(self) -> None:
        """Leave the screen if that was to be done while another was over it."""
        if self._given is not None and self.is_active:
            super().dismiss(*self._given)


class Dialog(ModalScreen[T], Over[T]):
    """The same over a screen that stays in sight; Textual takes its style from the first base."""
