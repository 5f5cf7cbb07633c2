"""A labelled row with its note and its error, and the fields of dialogs."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static

from firetower.core.endpoints import SecretUse, check_secret_value
from firetower.core.errors import Conflict, FiretowerError, InvalidInput
from firetower.core.references import VersionReference, check_secret_name
from firetower.core.text import is_needed
from firetower.tui.text import lines, plain, show_text
from firetower.tui.widgets.entries import CHOOSE, Choice, Line, Offer

NEW_SECRET = Offer("\n", "new secret …")
"""No secret has a line feed for a name."""
OTHER_VERSION = Offer("\n", "another one, by its path …")
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
        id: str | None = None,
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
    def typed(self) -> str:
        """What would be lost without saving; a choice is soon made again."""
        return ""

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
        self.input = Line(
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

    @property
    def typed(self) -> str:
        return self.input.value

    def problem(self) -> FiretowerError | None:
        if not self.value:
            return _needed(self.label) if self.required else None
        return _refusal(self.check, self.value)


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


class VersionField(Field):
    """A choice among versions of projects; an older one is typed."""

    def __init__(self, name: str, label: str, versions: Sequence[Offer]) -> None:
        """Offer versions; where there is none, only the line to type one in is shown."""
        self.choice = Choice([*versions, OTHER_VERSION])
        self.line = Line(placeholder="acme/vision/resnet:v3", compact=True, classes="version--path")
        indent = Label("", classes="field--label")
        self._other = Horizontal(indent, self.line, classes="field--line")
        note = "" if versions else "No version is logged in a project yet: 2, then n logs one."
        super().__init__(label, self.choice, below=self._other, name=name, note=note)
        self._other.display = False

    @property
    def value(self) -> str:
        is_other = self.choice.chosen == OTHER_VERSION.value
        return self.line.value.strip() if is_other else self.choice.chosen

    @property
    def typed(self) -> str:
        return self.line.value

    @property
    def entry(self) -> Widget:
        return self.line if self._other.display else self.choice

    def problem(self) -> FiretowerError | None:
        return _refusal(VersionReference.parse, self.value) if self.value else _needed(self.label)

    @on(Select.Changed)
    def _chosen(self) -> None:
        self._other.display = self.choice.chosen == OTHER_VERSION.value
        if self._other.display and self.choice.has_focus_within:
            self.line.focus()


class SecretField(Field):
    """A choice among secrets by name; "new secret" opens a line for its name and its value."""

    def __init__(
        self,
        name: str,
        label: str,
        use: SecretUse,
        *,
        value: str = "",
        required: bool = False,
        suggest: Callable[[], str] = str,
        note: str = "",
    ) -> None:
        """Ask for a secret that can be sent in this use. `suggest` names a new one."""
        self.required = required
        self._suggest = suggest
        self._use = use
        self._names: Sequence[str] = ()
        self.choice = Choice([NEW_SECRET], value, empty=CHOOSE if required else "none")
        line = partial(Line, compact=True, select_on_focus=False)
        self.new_name = line(placeholder="NAME", classes="secret--name")
        self.new_value = line(placeholder="its value", password=True)
        indent = Label("", classes="field--label")
        self._new = Horizontal(indent, self.new_name, self.new_value, classes="field--line")
        self._new.display = False
        super().__init__(label, self.choice, below=self._new, name=name, note=note)

    def set_names(self, names: Sequence[str]) -> None:
        """Offer the saved secrets."""
        self._names = names
        self.choice.offer([*(Offer(name, name) for name in names), NEW_SECRET])
        if self.required and not names:
            self.choice.value = NEW_SECRET.value

    @property
    def value(self) -> str:
        return self.new_name.value.strip() if self.is_new else self.choice.chosen

    @property
    def typed(self) -> str:
        return self.new_value.value

    @property
    def is_new(self) -> bool:
        """Whether it is a new secret, which has to be saved."""
        return self.choice.chosen == NEW_SECRET.value

    @property
    def entry(self) -> Widget:
        if not self.is_new:
            return self.choice
        return self.new_value if self._name_problem() is None else self.new_name

    def problem(self) -> FiretowerError | None:
        if not self.is_new:
            return _needed(self.label) if self.required and not self.value else None
        if not self.new_value.value:
            return self._name_problem() or _needed("its value")
        check = partial(check_secret_value, self.new_value.value)
        return self._name_problem() or _refusal(check, self._use)

    def _name_problem(self) -> FiretowerError | None:
        if self.value in self._names:
            return Conflict(
                f"a secret named {self.value} exists already",
                "Choose it from the list, or give the new one another name.",
            )
        return _refusal(check_secret_name, self.value)

    @on(Select.Changed)
    def _chosen(self) -> None:
        self._new.display = self.is_new
        if self.is_new and self.choice.has_focus_within:
            self._propose()
            self.entry.focus()

    @on(events.DescendantFocus)
    def _entered(self) -> None:
        if self.is_new:
            self._propose()

    def _propose(self) -> None:
        """Name a new secret that has no name yet."""
        self.new_name.value = self.new_name.value or self._suggest()


def _needed(label: str) -> InvalidInput:
    return InvalidInput(is_needed(label), "Fill it in, or press Escape to leave.")


def _refusal(check: Check | None, value: str) -> FiretowerError | None:
    try:
        if check is not None:
            check(value)
    except FiretowerError as error:
        return error
    return None
