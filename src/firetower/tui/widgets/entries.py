"""What values are entered in: a line, a choice, a row of options, a tick."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.reactive import Reactive
from textual.widgets import Checkbox, Input, OptionList, RadioButton, RadioSet, Select

from firetower.core.text import shortened, visible
from firetower.tui.actions import bindings_of
from firetower.tui.text import plain

_BREAK = re.compile(r"\r\n|\r|\n")
CHOOSE = "choose …"
"""Shown where something has to be chosen and nothing is yet."""
_NOTE = 300
"""Characters of a note."""


class Line(Input):
    """Textual's own drops all but the first line of what is pasted.

    Here several lines are joined by spaces, which keeps JSON, paths and names what they are; a
    hidden value, such as a key in PEM, keeps its lines without the break at the end.
    """

    cursor_blink = Reactive(False, init=False)  # noqa: FBT003 - it would write all the time

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        lines = _BREAK.split(event.text)
        if self.password:
            text = "\n".join(lines).removesuffix("\n")
        elif len(lines) > 1:
            text = " ".join(filter(None, map(str.strip, lines)))
        else:
            text = event.text
        self.replace(text, *self.selection)


@dataclass(frozen=True, slots=True)
class Offer:
    """One value that can be chosen, or the reason why it cannot."""

    value: str
    label: str
    note: str = ""
    why_not: str = ""

    @property
    def about(self) -> str:
        """The note, or why it cannot be chosen."""
        return shortened(self.why_not or self.note, _NOTE)

    @property
    def text(self) -> Text:
        """The label and the note, as the list shows them."""
        label = (visible(self.label), "" if self.value else "dim")
        note = f"  {visible(self.about)}" if self.about else ""
        return Text.assemble(label, (note, "dim"))


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
