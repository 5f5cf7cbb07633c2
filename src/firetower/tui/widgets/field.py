"""A labelled row with its note and its error, and the rows that dialogs are made of."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static

from firetower.core.errors import FiretowerError, InvalidInput
from firetower.tui.text import lines, plain, show_text
from firetower.tui.widgets.choice import Choice, Offer

Check = Callable[[str], object]
"""Raises FiretowerError for what it refuses."""


class LabelledRow(Vertical):
    """A label with its entries beside it, and a note and an error directly under them."""

    def __init__(
        self,
        label: str,
        *entries: Widget,
        note: str = "",
        below: Widget | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        """`below` is between the entries and the note."""
        super().__init__(name=name, id=id)
        self.label = label
        self._entries = entries
        self._below = below
        self._note = note

    def compose(self) -> ComposeResult:
        with Horizontal(classes="field--line"):
            yield Label(plain(self.label), classes="field--label")
            yield from self._entries
        if self._below is not None:
            yield self._below
        yield Static("", classes="field--note")
        yield Static("", classes="field--error")

    def on_mount(self) -> None:
        self.set_note(self._note)
        self.fail(None)

    def set_note(self, text: str) -> None:
        """Show a note about the value; an empty one hides it."""
        self._show(".field--note", text)

    def fail(self, error: FiretowerError | str | None) -> None:
        """Show what is wrong with the value; None hides it."""
        text = f"{error.message}. {error.hint}" if isinstance(error, FiretowerError) else error
        self._show(".field--error", text or "")

    def _show(self, line: str, text: str) -> None:
        static = self.query_one(line, Static)
        static.display = bool(text)
        show_text(static, lines(text))


class Field(LabelledRow):
    """One value that a dialog asks for."""

    @property
    @abstractmethod
    def value(self) -> str:
        """The value as entered."""

    @property
    def entry(self) -> Widget:
        """The widget to focus."""
        return self._entries[0]

    def problem(self) -> FiretowerError | None:
        """Return what is wrong with the value."""
        return None

    @on(Input.Changed)
    @on(Select.Changed)
    def _edited(self, event: Message) -> None:
        event.stop()
        self.fail(None)


class TextField(Field):
    """A line of text."""

    def __init__(
        self,
        name: str,
        label: str,
        *,
        value: str = "",
        placeholder: str = "",
        password: bool = False,
        required: bool = True,
        check: Check | None = None,
        suggestions: Sequence[str] = (),
        note: str = "",
    ) -> None:
        """Ask for text. `check` sees it unless it is empty, which `required` forbids."""
        self.required = required
        self.check = check
        self.input = Input(
            value,
            placeholder=placeholder,
            password=password,
            compact=True,
            select_on_focus=False,
            suggester=SuggestFromList(suggestions) if suggestions else None,
        )
        super().__init__(label, self.input, name=name, note=note)

    @property
    def value(self) -> str:
        return self.input.value if self.input.password else self.input.value.strip()

    def problem(self) -> FiretowerError | None:
        if not self.value:
            return needed(self.label) if self.required else None
        return refusal(self.check, self.value)


class ChoiceField(Field):
    """One of a few values."""

    def __init__(self, name: str, label: str, choices: Sequence[tuple[str, str]]) -> None:
        """Offer `choices`, each a value and its label; the first is chosen at the start."""
        offers = [Offer(value, text) for value, text in choices]
        self.choice = Choice(offers, choices[0][0], empty="")
        super().__init__(label, self.choice, name=name)

    @property
    def value(self) -> str:
        return self.choice.chosen


def needed(label: str) -> InvalidInput:
    """Return the error of a required field that is empty."""
    return InvalidInput(f"{label} is needed", "Fill it in, or press Escape to leave.")


def refusal(check: Check | None, value: str) -> FiretowerError | None:
    """Return the error that a check raises for a value."""
    if check is not None:
        try:
            check(value)
        except FiretowerError as error:
            return error
    return None
