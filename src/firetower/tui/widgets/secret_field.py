"""A field for a secret: one that is saved already, or a new one whose value is typed masked."""

from collections.abc import Callable, Sequence
from functools import partial

from textual import events, on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Label, Select

from firetower.core.errors import Conflict, FiretowerError
from firetower.core.references import check_secret_name
from firetower.tui.widgets.choice import CHOOSE, Choice, Offer
from firetower.tui.widgets.field import Check, Field, needed, refusal

NEW_SECRET = Offer("\n", "new secret …")
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
        self.required = required
        self._suggest = suggest
        self._check = check
        self._names: Sequence[str] = ()
        self.choice = Choice([NEW_SECRET], empty=CHOOSE if required else "none")
        line = partial(Input, compact=True, select_on_focus=False)
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
            return needed(self.label) if self.required and not self.value else None
        if not self.new_value.value:
            return self._name_problem() or needed("its value")
        return self._name_problem() or refusal(self._check, self.new_value.value)

    def _name_problem(self) -> FiretowerError | None:
        if self.value in self._names:
            return Conflict(
                f"a secret named {self.value} exists already",
                "Choose it from the list, or give the new one another name.",
            )
        return refusal(check_secret_name, self.value)

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
