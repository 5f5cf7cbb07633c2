"""Dialogs that ask: for a few values, which they save, for one of a list, or for a yes."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from firetower.core.errors import Conflict, FiretowerError
from firetower.core.text import shortened
from firetower.tui.actions import bindings_of
from firetower.tui.page import Dialog
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import lines, plain
from firetower.tui.widgets.entries import Line, Offer
from firetower.tui.widgets.field import Field

T = TypeVar("T")
Answers = Mapping[str, str]
"""The values entered, by the fields' names."""
_MANY = 10
"""Offers above which a dialog's list can be narrowed by typing."""
_TITLE = 110
"""Characters of a dialog's title: two lines."""
_ROW = 54
"""Cells of a row in a dialog's list."""


def dialog_title(text: str) -> Label:
    """Return the title of a dialog: a long one is cut, so that there is room for the rest."""
    return Label(plain(shortened(text, _TITLE)), classes="dialog--title")


class Ask(Dialog[T | None]):
    """A dialog with fields; it closes once the values are saved, or by a step back."""

    BINDINGS: ClassVar = bindings_of("fields", "form.save")

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        save: Callable[[Tower, Answers], T],
        *,
        button: str = "Save",
        detail: str = "",
        taken: str = "",
        first: int = 0,
    ) -> None:
        """Ask for fields, and return what `save` returns; the focus is on the `first` field.

        A FiretowerError that it raises is shown, a Conflict under the field named `taken`.
        """
        super().__init__(classes="-detailed" if detail else None)
        self._heading = title
        self._detail = detail
        self._fields = fields
        self._save = save
        self._button = button
        self._taken = taken
        self._first = first
        keys = "enter: next field" if len(fields) > 1 else f"enter {button.lower()}s"
        typed = any(isinstance(field.entry, Input) for field in fields)
        self._keys = plain(keys if typed else "")
        self._typed_before: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog ask"):
            yield dialog_title(self._heading)
            if self._detail:
                with VerticalScroll(classes="dialog--scroll ask--detail", can_focus=False):
                    yield Label(lines(self._detail), classes="dialog--detail")
            with VerticalScroll(classes="ask--fields", can_focus=False):
                yield from self._fields
            yield Static("", classes="ask--error")
            with Horizontal(classes="dialog--buttons"):
                yield Static(self._keys, classes="ask--keys")
                yield Button("Cancel", id="cancel", compact=True)
                label = Content.assemble(plain(self._button), ("  ctrl+o", "dim"))
                yield Button(label, id="save", variant="primary", compact=True)

    def on_mount(self) -> None:
        self._typed_before = self._typed()
        if self._fields:
            self._fields[self._first].entry.focus()

    def _typed(self) -> Sequence[str]:
        return [field.typed for field in self._fields]

    @property
    def unsaved(self) -> str:
        return "" if self._typed() == self._typed_before else "What you typed is lost."

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_back()

    @on(Input.Submitted)
    def _line_ended(self) -> None:
        """Save where there is one line only, else focus the next field, at last the button."""
        if len(self._fields) == 1:
            self.action_save()
            return
        self.focus_next()
        if self.focused is self.query_one("#cancel"):
            self.query_one("#save").focus()

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        """Save what was entered, or show what is wrong with it."""
        save = self.query_one("#save", Button)
        if not save.disabled and self._check():
            save.disabled = True
            self._run()

    def _check(self) -> bool:
        """Show each field's error and focus the first with one; return whether there is none."""
        wrong = []
        for field in self._fields:
            problem = field.problem()
            field.fail(problem)
            if problem is not None:
                wrong.append(field)
        if wrong:
            wrong[0].entry.focus()
        return not wrong

    @in_background
    async def _run(self) -> None:
        answers = {str(field.name): field.value for field in self._fields}
        keys = self.query_one(".ask--keys", Static)
        keys.update("▸ saving …")
        self._say("")
        try:
            saved = await session_of(self).ask(lambda tower: self._save(tower, answers))
        except FiretowerError as error:
            self._refuse(error)
        else:
            self.dismiss(saved)
        finally:
            self.query_one("#save", Button).disabled = False
            keys.update(self._keys)

    def _refuse(self, error: FiretowerError) -> None:
        field = next((one for one in self._fields if one.name == self._taken), None)
        if field is not None and isinstance(error, Conflict):
            field.fail(error)
            field.entry.focus()
        else:
            self._say(error.text)

    def _say(self, text: str) -> None:
        static = self.query_one(".ask--error", Static)
        static.display = bool(text)
        static.update(lines(text))


class Confirm(Dialog[str | None]):
    """A question with its answers; the safe one, Cancel, has the focus."""

    BINDINGS: ClassVar = bindings_of("buttons", "dialog")

    def __init__(self, question: str, detail: str, *answers: str) -> None:
        """Ask, and return the chosen answer; the dangerous one is last. None means cancelled."""
        super().__init__()
        self._question = question
        self._detail = detail
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield dialog_title(self._question)
            with VerticalScroll(classes="dialog--scroll", can_focus=False):
                yield Label(lines(self._detail), classes="dialog--detail")
            with Horizontal(classes="dialog--buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                buttons = [Button(plain(one), name=one, compact=True) for one in self._answers]
                buttons[-1].variant = "error"
                yield from buttons

    def on_mount(self) -> None:
        self.query_one("#cancel", Button).focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll what is said, where that is more than there is room for."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.name)


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
            note.update(plain(offer.about))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        assert event.option_id is not None
        self.dismiss(self._offers[int(event.option_id[1:])].value)
