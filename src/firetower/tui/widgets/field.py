"""The fields of a dialog: a label, an entry beside it, and what is wrong with it below."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static

from firetower.core.errors import FiretowerError, InvalidInput
from firetower.tui.text import lines, plain

Check = Callable[[str], object]
"""Raises FiretowerError for what it refuses."""


class Field(Vertical):
    """One thing that a dialog asks for."""

    def __init__(self, name: str, label: str, *, note: str = "") -> None:
        super().__init__(name=name, classes="field")
        self.label = label
        self.note = note
        """Said in small under the entry."""

    @property
    def key(self) -> str:
        """The name under which the dialog hands its value on."""
        return str(self.name)

    @property
    @abstractmethod
    def value(self) -> str:
        """What was given."""

    @property
    @abstractmethod
    def entry(self) -> Widget:
        """What takes the focus."""

    def compose(self) -> ComposeResult:
        """Lay out the label, the entry and the lines under it."""
        with Horizontal(classes="field--line"):
            yield Label(plain(self.label), classes="field--label")
            yield from self.compose_entry()
        yield from self.compose_more()
        note = Static(lines(self.note), classes="field--note")
        note.display = bool(self.note)
        yield note
        error = Static("", classes="field--error")
        error.display = False
        yield error

    @abstractmethod
    def compose_entry(self) -> ComposeResult:
        """Make what is filled in."""

    def compose_more(self) -> ComposeResult:
        """Make what stands on lines of its own."""
        yield from ()

    def set_note(self, text: str) -> None:
        """Say something else under the entry."""
        note = self.query_one(".field--note", Static)
        note.update(lines(text))
        note.display = bool(text)

    def problem(self) -> FiretowerError | None:
        """Return what is wrong with the value."""
        return None

    def fail(self, error: FiretowerError | None) -> None:
        """Show what is wrong with the value, or nothing."""
        static = self.query_one(".field--error", Static)
        static.display = error is not None
        if error is not None:
            static.update(plain(f"{error.message}. {error.hint}"))


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
        super().__init__(name, label, note=note)
        self.required = required
        self.check = check
        self.input = Input(
            value,
            placeholder=placeholder,
            password=password,
            compact=True,
            select_on_focus=False,
            suggester=SuggestFromList(suggestions) if suggestions else None,
            classes="field--entry",
        )

    @property
    def value(self) -> str:
        """What was typed."""
        return self.input.value if self.input.password else self.input.value.strip()

    @property
    def entry(self) -> Widget:
        """The input."""
        return self.input

    def compose_entry(self) -> ComposeResult:
        """Make the input."""
        yield self.input

    def problem(self) -> FiretowerError | None:
        """Return what the check refuses."""
        if not self.value:
            return needed(self.label) if self.required else None
        return refusal(self.check, self.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Take back what was said of the value before."""
        event.stop()
        self.fail(None)


class ChoiceField(Field):
    """One of a few values."""

    def __init__(
        self, name: str, label: str, choices: Sequence[tuple[str, str]], *, note: str = ""
    ) -> None:
        """Offer `choices`, each a value and its label; the first stands until another is chosen."""
        super().__init__(name, label, note=note)
        self.select = Select(
            [(plain(text), value) for value, text in choices],
            allow_blank=False,
            value=choices[0][0],
            compact=True,
            classes="field--entry",
        )

    @property
    def value(self) -> str:
        """What was chosen."""
        return cast("str", self.select.value)

    @property
    def entry(self) -> Widget:
        """The list."""
        return self.select

    def compose_entry(self) -> ComposeResult:
        """Make the list."""
        yield self.select

    def on_select_changed(self, event: Select.Changed) -> None:
        """Take back what was said of the choice before."""
        event.stop()
        self.fail(None)


def needed(label: str) -> InvalidInput:
    """Return what is said of an empty field that must not be."""
    return InvalidInput(f"{label} is needed", "Fill it in, or press Escape to leave.")


def refusal(check: Check | None, value: str) -> FiretowerError | None:
    """Return what a check has against a value."""
    if check is not None:
        try:
            check(value)
        except FiretowerError as error:
            return error
    return None
