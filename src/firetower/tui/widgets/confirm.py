"""A dialog that asks before something that cannot simply be undone."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Label

from firetower.tui.actions import bindings_of
from firetower.tui.page import Dialog
from firetower.tui.text import lines, plain


class Confirm(Dialog[str | None]):
    """A question with its answers; the safe one, Cancel, has the focus."""

    BINDINGS: ClassVar = bindings_of("dialog", "buttons")

    def __init__(self, question: str, detail: str, answers: Sequence[tuple[str, str]]) -> None:
        """Ask; `answers` are (value, label), the dangerous one last. None means cancelled."""
        super().__init__()
        self._question = question
        self._detail = detail
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(plain(self._question), classes="dialog--title")
            yield Label(lines(self._detail), classes="dialog--detail")
            with Horizontal(classes="dialog--buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                buttons = [
                    Button(plain(label), name=value, compact=True) for value, label in self._answers
                ]
                buttons[-1].variant = "error"
                yield from buttons

    def on_mount(self) -> None:
        self.query_one("#cancel", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.name)
