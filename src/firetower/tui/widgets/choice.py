"""A field whose value is chosen from a list that opens under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.widgets import OptionList, Select

from firetower.core.text import visible
from firetower.tui.actions import bindings_of

CHOOSE = "choose …"
"""Shown where something has to be chosen and nothing is yet."""


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
        note = self.why_not or self.note
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
        id: str | None = None,  # noqa: A002 - Textual's word
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
