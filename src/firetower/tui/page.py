"""Screens: each is opened once, over the screen that asked for it, and left by one step back.

Changes of the database that are made on a screen are undone there, the newest first.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from textual import events, on
from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen

from firetower.tui.actions import bindings_of
from firetower.tui.compositor import RowCompositor
from firetower.tui.messages import LeaveUnsaved, post
from firetower.tui.session import Tower, session_of

T = TypeVar("T")
_MOST_UNDOS = 50


async def ask(node: DOMNode, dialog: Screen[T | None]) -> T | None:
    """Return a dialog's answer, in a worker; None if another screen is over the node's already."""
    if not node.screen.is_active:
        return None
    return await node.app.push_screen_wait(dialog)


@dataclass(frozen=True, slots=True)
class Undo:
    """How one change of the database is undone."""

    change: Callable[[Tower], object]
    said: str
    """What is said then: "deploy is enabled, for events from now on."."""
    automation: str = ""
    """The automation to show then."""


def push_undo(screen: Screen[Any], undo: Undo) -> None:
    """Keep how a change made on a screen is undone."""
    if isinstance(screen, Page):
        screen.undos.append(undo)
        screen.refresh_bindings()


def say_changed(node: DOMNode, said: str, undo: Undo | None = None) -> None:
    """Say what was changed; `u` undoes it if it is said how."""
    if undo is not None:
        push_undo(node.screen, undo)
        said = f"{said} u undoes."
    node.app.notify(said)


async def change_database(
    node: DOMNode, change: Callable[[Tower], object], said: str, undo: Undo | None = None
) -> None:
    """Change the database, and say so. Raises FiretowerError."""
    await session_of(node).ask(change)
    say_changed(node, said, undo)


class StyledOnce(Screen[T]):
    """A screen whose widgets are styled as they are made.

    Textual styles all of them again for the screen's size, and each time the screen is shown.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 - Textual's own

    def __init__(
        self, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(name, id, classes)
        self._compositor = RowCompositor()

    @property
    def is_current(self) -> bool:
        """Whether it can be seen, alone or behind dialogs.

        Textual paints the whole screen whenever something changes on the one that it covers.
        """
        on_top = self.app.screen if super().is_current else None
        return on_top is self or isinstance(on_top, ModalScreen)

    def on_compose(self) -> None:
        """Take the classes of the terminal's size before there are widgets to style again."""
        width, height = self.app.size
        for size, points in (
            (width, self.HORIZONTAL_BREAKPOINTS),
            (height, self.VERTICAL_BREAKPOINTS),
        ):
            reached = [point for point in points if point[0] <= size]
            if reached:
                self.add_class(max(reached)[1])

    @on(events.ScreenResume)
    def _keep_styles(self, event: events.ScreenResume) -> None:
        """Keep the styles: a theme changed meanwhile has styled the screen already."""
        event.refresh_styles = False


class Page(StyledOnce[T]):
    """A screen that is left once, and never takes another one with it.

    Textual dismisses whichever screen is on top: a second click, or an answer that comes late,
    would take that.
    """

    BINDINGS: ClassVar = bindings_of("page")
    BELONGS_TO: ClassVar[str] = "screen"
    """Which mode's key closes it: "mode" that of its own, "app" any, "screen" none."""
    _result: tuple[T | None] | None = None
    """The first result, until no other screen is over this one."""

    def __init__(
        self, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(name, id, classes)
        self.undos: deque[Undo] = deque(maxlen=_MOST_UNDOS)
        """How the changes made here are undone, the newest last."""

    @property
    def is_root(self) -> bool:
        """Whether it is the first screen of its mode: nothing is behind it."""
        return bool(self.app.screen_stack) and self.app.screen_stack[0] is self

    @property
    def unsaved(self) -> str:
        """What would be lost with the screen, as a sentence; empty for nothing."""
        return ""

    def can_step_back(self) -> bool:
        """Return whether there is a step back within the screen."""
        return False

    def step_back(self) -> None:
        """Go one step back within the screen, if there is one."""

    def action_back(self) -> None:
        """Go one step back: within the screen, or to the one behind it."""
        if self.can_step_back():
            self.step_back()
        elif self.is_root:
            return
        elif self.unsaved:
            post(self, LeaveUnsaved(self.unsaved))
        else:
            self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave the key to the app where nothing is behind the screen."""
        return action != "back" or not self.is_root or self.can_step_back()

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

    def on_click(self, event: events.Click) -> None:
        """Go back on a click beside the dialog."""
        if event.widget is self:
            self.action_back()
