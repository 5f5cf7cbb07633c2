"""One row of the form: a label, its field, a note, and the error that stands under it."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.tui.text import lines, plain


class Entry(Vertical):
    """A labelled field. Errors stand directly under what they are about."""

    def __init__(self, label: str, *fields: Widget, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._label = label
        self._fields = fields

    def compose(self) -> ComposeResult:
        """Lay out the row."""
        with Horizontal(classes="entry--row"):
            yield Static(self._label, classes="entry--label")
            yield from self._fields
        yield Static("", classes="entry--note")
        yield Static("", classes="entry--error")

    def on_mount(self) -> None:
        """Begin with neither a note nor an error."""
        self.note("")
        self.error(None)

    def note(self, text: str) -> None:
        """Say something about the field's value."""
        _show(self.query_one(".entry--note", Static), text)

    def error(self, error: FiretowerError | str | None) -> None:
        """Say what is wrong with the field's value, or that nothing is."""
        text = f"{error.message}. {error.hint}" if isinstance(error, FiretowerError) else error
        _show(self.query_one(".entry--error", Static), text or "")


def _show(static: Static, text: str) -> None:
    shown = lines(text) if "\n" in text else plain(text)
    static.display = bool(text)
    if static.content != shown:
        static.update(shown)
