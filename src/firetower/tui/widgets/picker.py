"""A dialog that lets one of several values be chosen."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from firetower.tui.actions import bindings_of
from firetower.tui.page import Dialog
from firetower.tui.text import plain
from firetower.tui.widgets.choice import Offer

MANY = 10
"""Offers above which the list can be narrowed by typing."""


class Picker(Dialog[str | None]):
    """A list to choose one value from; a long one is narrowed by typing."""

    BINDINGS: ClassVar = [
        Binding("down", "into_list", show=False),
        *bindings_of("dialog"),
    ]

    def __init__(self, title: str, offers: Sequence[Offer]) -> None:
        super().__init__()
        self._title = title
        self._offers = offers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(plain(self._title), classes="dialog--title")
            if len(self._offers) > MANY:
                yield Input(placeholder="type to narrow", compact=True, classes="picker--search")
            yield OptionList(compact=True)

    def on_mount(self) -> None:
        self._fill("")
        if len(self._offers) <= MANY:
            self.action_into_list()

    def _fill(self, words: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(
            Option(one.text, id=f"o{index}", disabled=bool(one.why_not))
            for index, one in enumerate(self._offers)
            if words.lower() in one.label.lower()
        )
        options.action_first()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(OptionList).action_select()

    def action_into_list(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        assert event.option_id is not None
        self.dismiss(self._offers[int(event.option_id[1:])].value)
