"""Radio buttons and a check box, drawn with signs so that they can be read without colour."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.widgets import Checkbox, RadioButton, RadioSet

from firetower.tui.actions import bindings_of
from firetower.tui.text import plain


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

    def __init__(
        self,
        labels: Sequence[str],
        index: int = 0,
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
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

    def __init__(self, label: str, *, value: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(plain(label), value, id=id, compact=True)

    def render(self) -> Content:
        return Content.assemble("[x] " if self.value else "[ ] ", self.label)
