"""Changes of the database that `u` undoes, on the screen where they were made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast
from weakref import WeakKeyDictionary

from textual.dom import DOMNode
from textual.screen import Screen

from firetower.core.text import visible
from firetower.tui.session import Tower, session_of

if TYPE_CHECKING:
    from firetower.core.automations import Automation


_MOST = 50
"""Changes kept for each screen."""


@dataclass(frozen=True, slots=True)
class Undo:
    """How one change is undone."""

    change: Callable[[Tower], object]
    said: str
    """What is said then: "deploy is enabled, for events from now on."."""
    automation: str = ""
    """The automation to show then."""


class UndoStack:
    """The changes that can be undone on each screen, the newest last."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Screen[Any], list[Undo]] = WeakKeyDictionary()

    def push(self, screen: Screen[Any], undo: Undo) -> None:
        """Add a change made on a screen."""
        undos = self._of.setdefault(screen, [])
        undos.append(undo)
        del undos[:-_MOST]
        screen.refresh_bindings()

    def pop(self, screen: Screen[Any]) -> Undo | None:
        """Take the newest change made on a screen."""
        undo = self._of[screen].pop() if self.has(screen) else None
        screen.refresh_bindings()
        return undo

    def has(self, screen: Screen[Any]) -> bool:
        """Return whether a change made on a screen can be undone."""
        return bool(self._of.get(screen))


def undo_edit(before: Automation, name: str) -> Undo:
    """Return how the edit of an automation, of this name since, is undone."""
    definition, mode = before.definition, before.mode
    return Undo(
        lambda tower: tower.automations.edit(name, definition, mode),
        f"{visible(before.name)} is as it was before the edit, for events from now on.",
        before.name,
    )


class HasUndos(Protocol):
    """The app, as far as its screens need it here."""

    undos: UndoStack


def offer(node: DOMNode, said: str, undo: Undo | None) -> None:
    """Say what was changed; `u` undoes it if it is said how."""
    if undo is not None:
        cast("HasUndos", node.app).undos.push(node.screen, undo)
        said = f"{said} u undoes."
    node.app.notify(said)


async def change(
    node: DOMNode, change: Callable[[Tower], object], said: str, undo: Undo | None = None
) -> None:
    """Change the database and say so, as `offer` does. Raises FiretowerError."""
    await session_of(node).ask(change)
    offer(node, said, undo)
