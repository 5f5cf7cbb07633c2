"""A field for a secret: one that is saved already, or a new one whose value is typed masked."""

from collections.abc import Callable, Sequence
from typing import cast

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label, Select

from firetower.core.errors import Conflict, FiretowerError
from firetower.core.references import check_secret_name
from firetower.tui.text import plain
from firetower.tui.widgets.field import Check, Field, needed, refusal

_NONE = ""
_NEW = "\n"
"""No secret has a line feed for a name."""


class SecretField(Field):
    """A choice among secrets by name; "new secret" opens a line for its name and its value."""

    def __init__(
        self,
        name: str,
        label: str,
        *,
        required: bool = False,
        suggest: Callable[[], str] = str,
        check: Check | None = None,
        note: str = "",
    ) -> None:
        """Ask for a secret. `suggest` names a new one, `check` sees its value."""
        super().__init__(name, label, note=note)
        self.required = required
        self._suggest = suggest
        self._check = check
        self._names: Sequence[str] = ()
        self.select = Select(
            self._options(), allow_blank=False, value=_NONE, compact=True, classes="field--entry"
        )
        self.new_name = Input(
            placeholder="NAME", compact=True, select_on_focus=False, classes="secret--name"
        )
        self.new_value = Input(
            placeholder="its value",
            password=True,
            compact=True,
            select_on_focus=False,
            classes="field--entry",
        )

    def _options(self) -> list[tuple[Content, str]]:
        first = "choose …" if self.required else "none"
        saved = [(plain(name), name) for name in self._names]
        return [(plain(first), _NONE), *saved, (plain("new secret …"), _NEW)]

    def set_names(self, names: Sequence[str]) -> None:
        """Offer the secrets there are."""
        chosen = self.select.value
        self._names = names
        self.select.set_options(self._options())
        self.select.value = _NEW if self.required and not names else chosen

    @property
    def value(self) -> str:
        """The secret's name; empty for none."""
        if self.is_new:
            return self.new_name.value.strip()
        return cast("str", self.select.value)

    @property
    def is_new(self) -> bool:
        """Whether the secret is to be saved."""
        return self.select.value == _NEW

    @property
    def entry(self) -> Widget:
        """What is filled in first."""
        if not self.is_new:
            return self.select
        return self.new_value if self._name_problem() is None else self.new_name

    def compose_entry(self) -> ComposeResult:
        """Make the list of secrets."""
        yield self.select

    def compose_more(self) -> ComposeResult:
        """Make the line for a new secret."""
        with Horizontal(classes="field--line secret--new"):
            yield Label("", classes="field--label")
            yield self.new_name
            yield self.new_value

    def on_mount(self) -> None:
        """Begin without a new secret."""
        self.query_one(".secret--new").display = False

    def problem(self) -> FiretowerError | None:
        """Return what is wrong with the choice, or with the new secret."""
        if not self.is_new:
            return needed(self.label) if self.required and not self.value else None
        if problem := self._name_problem():
            return problem
        if not self.new_value.value:
            return needed("its value")
        return refusal(self._check, self.new_value.value)

    def _name_problem(self) -> FiretowerError | None:
        if self.value in self._names:
            return Conflict(
                f"a secret named {self.value} exists already",
                "Choose it from the list, or give the new one another name.",
            )
        return refusal(check_secret_name, self.value)

    @on(Select.Changed)
    def _chosen(self, event: Select.Changed) -> None:
        event.stop()
        self.fail(None)
        self.query_one(".secret--new").display = self.is_new
        if self.is_new and self.select.has_focus_within:
            self._propose()
            self.entry.focus()

    @on(events.DescendantFocus)
    def _entered(self) -> None:
        if self.is_new:
            self._propose()

    def _propose(self) -> None:
        """Name a new secret that has no name yet."""
        self.new_name.value = self.new_name.value or self._suggest()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.fail(None)
