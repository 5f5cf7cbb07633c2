"""Screens over others: each is opened once, over the screen that asked for it, and left once."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen

T = TypeVar("T")


def show(node: DOMNode, screen: Screen[Any]) -> None:
    """Show a screen over the node's own, unless another is over that already.

    The same key may have been pressed twice, or the screen's data may have come late.
    """
    if node.screen.is_active:
        node.app.push_screen(screen)


async def ask(node: DOMNode, dialog: Screen[T | None]) -> T | None:
    """Return a dialog's answer, in a worker; None if another screen is over the node's already."""
    if not node.screen.is_active:
        return None
    return await node.app.push_screen_wait(dialog)


class Page(Screen[T]):
    """A screen that is left once, and never takes another one with it.

    Textual dismisses whichever screen is on top: a second click, or an answer that comes late,
    would take that.
    """

    BELONGS_TO: ClassVar[str] = "screen"
    """Which mode's key closes it: "mode" that of its own, "app" any, "screen" none."""
    _result: tuple[T | None] | None = None
    """The first result, until no other screen is over this one."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Leave the screen, at once or when the screen over it is left."""
        self._result = self._result or (result,)
        if self.is_active:
            return super().dismiss(*self._result)
        return AwaitComplete()

    def on_screen_resume(self) -> None:
        """Leave the screen if it was dismissed while another was over it."""
        if self._result is not None and self.is_active:
            super().dismiss(*self._result)


class Dialog(ModalScreen[T], Page[T]):
    """The same over a screen that stays in sight; Textual takes its style from the first base."""
