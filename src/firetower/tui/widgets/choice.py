"""Choosing one of several values: in a field, and in a dialog."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import (
    Button,
    Checkbox,
    Input,
    Label,
    OptionList,
    RadioButton,
    RadioSet,
    Select,
    Static,
)
from textual.widgets.option_list import Option

from firetower.core.text import shortened, visible
from firetower.tui.actions import bindings_of
from firetower.tui.page import Dialog
from firetower.tui.text import plain
from firetower.tui.widgets.line import Line

CHOOSE = "choose …"
"""Shown where something has to be chosen and nothing is yet."""
_MANY = 10
"""Offers above which a dialog's list can be narrowed by typing."""
_NOTE = 300
"""Characters of a note."""
_TITLE = 110
"""Characters of a dialog's title: two lines."""
_ROW = 54
"""Cells of a row in a dialog's list."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One value that can be chosen, or the reason why it cannot."""

    value: str
    label: str
    note: str = ""
    why_not: str = ""

    @property
    def text(self) -> Text:
        """The label and the note, as the list shows them."""
        label = (visible(self.label), "" if self.value else "dim")
        note = shortened(self.why_not or self.note, _NOTE)
        return Text.assemble(label, (f"  {visible(note)}" if note else "", "dim"))


class Choice(Select[str]):
    """One of several values; enter, space or a click opens the list, where typing searches."""

    BINDINGS: ClassVar = bindings_of("fields")

    def __init__(
        self,
        offers: Sequence[Offer] = (),
        value: str = "",
        *,
        empty: str = CHOOSE,
        id: str | None = None,
    ) -> None:
        """Offer values; `empty` is shown while none is chosen, without it one always is."""
        self._empty = [Offer("", empty)] if empty else []
        self._offers = self._complete(offers, value)
        options = [(one.text, one.value) for one in self._offers]
        super().__init__(options, allow_blank=False, value=value, id=id, compact=True)

    @property
    def chosen(self) -> str:
        """The chosen value; empty for none."""
        return self.selection or ""

    def offer(self, offers: Sequence[Offer]) -> None:
        """Change what can be chosen; what is chosen stays so."""
        chosen = self.chosen
        complete = self._complete(offers, chosen)
        if complete != self._offers:
            self._offers = complete
            with self.prevent(Select.Changed):
                self.set_options((one.text, one.value) for one in complete)
                self.value = chosen

    def _complete(self, offers: Sequence[Offer], value: str) -> list[Offer]:
        """Return the offers with the empty one and the chosen one, which may be gone by now."""
        known = {one.value for one in offers}
        gone = [Offer(value, value)] if value and value not in known else []
        return [*([] if "" in known else self._empty), *offers, *gone]

    def watch_expanded(self, expanded: bool) -> None:  # noqa: FBT001 - Textual's way
        """Disable the values that cannot be chosen, and highlight the first that can."""
        if not expanded:
            return
        options = self.query_one(OptionList)
        for index, one in enumerate(self._offers):
            if one.why_not:
                options.disable_option_at_index(index)
        if not self.chosen and self._offers[0].label == CHOOSE:
            options.highlighted = min(1, options.option_count - 1)


def dialog_title(text: str) -> Label:
    """Return the title of a dialog: a long one is cut, so that there is room for the rest."""
    return Label(plain(shortened(text, _TITLE)), classes="dialog--title")


class Picker(Dialog[str | None]):
    """A list to choose one value from; a long one is narrowed by typing."""

    BINDINGS: ClassVar = [Binding("down", "into_list", show=False)]

    def __init__(self, title: str, offers: Sequence[Offer]) -> None:
        super().__init__()
        self._title = title
        self._offers = offers
        self._notes_below = any(one.text.cell_len > _ROW for one in offers)
        """Whether only the note of the one under the cursor is shown."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield dialog_title(self._title)
            if len(self._offers) > _MANY:
                yield Line(placeholder="type to narrow", compact=True, classes="picker--search")
            yield OptionList(compact=True)
            if self._notes_below:
                yield Static("", classes="picker--note")
            with Horizontal(classes="dialog--buttons"):
                yield Button("Cancel", id="cancel", action="screen.back", compact=True)

    def on_mount(self) -> None:
        self._fill("")
        if len(self._offers) <= _MANY:
            self.action_into_list()

    def _fill(self, words: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(
            Option(
                plain(one.label) if self._notes_below else one.text,
                id=f"o{index}",
                disabled=bool(one.why_not),
            )
            for index, one in enumerate(self._offers)
            if words.lower() in one.label.lower()
        )
        options.action_first()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_input_submitted(self) -> None:
        self.query_one(OptionList).action_select()

    def action_into_list(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionHighlighted)
    def _show_note(self, event: OptionList.OptionHighlighted) -> None:
        offer = self._offers[int(str(event.option_id)[1:])]
        for note in self.query(".picker--note").results(Static):
            note.update(plain(shortened(offer.why_not or offer.note, _NOTE)))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        assert event.option_id is not None
        self.dismiss(self._offers[int(event.option_id[1:])].value)


class RadioOption(RadioButton):
    """One option of a Radio."""

    def render(self) -> Content:
        return Content.assemble("(•) " if self.value else "( ) ", self.label)


class Radio(RadioSet):
    """One of a few options, side by side; the arrows and a click choose."""

    BINDINGS: ClassVar = [
        Binding("right,l,space", "step(1)", "Next", show=False),
        Binding("left,h", "step(-1)", "Before", show=False),
        Binding("enter", "app.focus_next", "Next field", show=False),
        *bindings_of("fields"),
    ]

    def __init__(self, labels: Sequence[str], index: int, *, id: str) -> None:
        options = [RadioOption(plain(label), at == index) for at, label in enumerate(labels)]
        super().__init__(*options, id=id, compact=True)

    def action_step(self, by: int) -> None:
        options = list(self.query(RadioOption))
        before = options[self.pressed_index]
        after = options[(self.pressed_index + by) % len(options)]
        # At once, not by the options' messages: the next key may be here before them.
        with self.prevent(RadioButton.Changed):
            before.value, after.value = False, True
        self._pressed_button = after
        self.post_message(self.Changed(self, after))


class Tick(Checkbox):
    """Yes or no."""

    def __init__(self, label: str, *, value: bool, id: str | None = None) -> None:
        super().__init__(plain(label), value, id=id, compact=True)

    def render(self) -> Content:
        return Content.assemble("[x] " if self.value else "[ ] ", self.label)
