"""A field whose value is chosen from a list that opens over the screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from firetower.core.text import visible
from firetower.tui import over
from firetower.tui.over import Dialog
from firetower.tui.text import plain

_MANY = 10


@dataclass(frozen=True, slots=True)
class Offer:
    """One value that can be chosen, or the reason why it cannot."""

    value: str
    label: str
    note: str = ""
    why_not: str = ""

    @property
    def content(self) -> Content:
        """As the list shows it."""
        said = self.why_not or self.note
        return Content.from_markup(
            "$label  [dim]$said[/]" if said else "$label",
            label=visible(self.label),
            said=visible(said),
        )


class Picker(Dialog[str | None]):
    """A list to choose one value from; those that cannot be chosen say why."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("down", "into_list", show=False),
    ]

    def __init__(self, title: str, offers: Sequence[Offer], current: str) -> None:
        super().__init__()
        self._title = title
        self._offers = offers
        self._current = current

    def compose(self) -> ComposeResult:
        """Lay out the title, the search where there are many, and the list."""
        with Vertical(classes="dialog"):
            yield Label(plain(self._title), classes="dialog--title")
            if len(self._offers) > _MANY:
                yield Input(placeholder="type to narrow", compact=True, classes="picker--search")
            yield OptionList(compact=True)

    def on_mount(self) -> None:
        """Begin on the current value."""
        self._fill("")
        if len(self._offers) <= _MANY:
            self.query_one(OptionList).focus()

    def _fill(self, words: str) -> None:
        options = self.query_one(OptionList)
        found = [one for one in self._offers if words.lower() in one.label.lower()]
        options.clear_options()
        options.add_options(
            Option(one.content, id=f"o{self._offers.index(one)}", disabled=bool(one.why_not))
            for one in found
        )
        at = [place for place, one in enumerate(found) if not one.why_not]
        current = [place for place in at if found[place].value == self._current]
        options.highlighted = next(iter(current or at), None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        event.stop()
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose what is highlighted."""
        event.stop()
        self.query_one(OptionList).action_select()

    def action_into_list(self) -> None:
        """Go from the search to the list."""
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        assert event.option_id is not None
        self.dismiss(self._offers[int(event.option_id[1:])].value)


class Choice(Static, can_focus=True):
    """Shows the chosen value; enter, space or a click opens the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "open", "Choose", show=False),
    ]
    value: reactive[str] = reactive("")

    class Changed(Message):
        """Another value was chosen."""

        def __init__(self, choice: "Choice", value: str, before: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value
            self.before = before

        @property
        def control(self) -> "Choice":
            """The field."""
            return self.choice

    def __init__(
        self,
        title: str,
        offers: Sequence[Offer] = (),
        value: str = "",
        *,
        nothing: str = "choose …",
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(id=id)
        self.title = title
        self.nothing = nothing
        self._offers = tuple(offers)
        self.set_reactive(Choice.value, value)

    def on_mount(self) -> None:
        """Show the value."""
        self._draw()

    def offer(self, offers: Sequence[Offer]) -> None:
        """Change what can be chosen."""
        self._offers = tuple(offers)
        self._draw()

    def watch_value(self) -> None:
        """Show the value."""
        self._draw()

    def _draw(self) -> None:
        chosen = next((one.label for one in self._offers if one.value == self.value), self.value)
        shown = Content.from_markup(
            "$label [dim]▾[/]" if chosen else "[dim]$label ▾[/]",
            label=visible(chosen or self.nothing),
        )
        if self.content != shown:
            self.update(shown)

    def on_click(self) -> None:
        """Open the list."""
        self.action_open()

    @work(exit_on_error=False)
    async def action_open(self) -> None:
        """Let a value be chosen."""
        before = self.value
        picked = await over.ask(self, Picker(self.title, self._offers, before))
        if picked is not None and picked != before:
            self.value = picked
            self.post_message(self.Changed(self, picked, before))
