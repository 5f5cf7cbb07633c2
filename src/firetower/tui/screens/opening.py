"""What is shown while the rest of the app is imported."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from firetower.tui.widgets.bar import Bar


class OpeningScreen(Screen[None]):
    """The top line at once, for imports take longer; keys pressed meanwhile are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.pressed: list[str] = []
        """The keys that the first real screen is to get, by Textual's names."""

    def compose(self) -> ComposeResult:
        yield Bar("registry")

    def on_key(self, event: events.Key) -> None:
        """Keep a key that nothing here answers."""
        self.pressed.append(event.key)
