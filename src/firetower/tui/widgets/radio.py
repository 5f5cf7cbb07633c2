"""One of a few, and yes or no: drawn with signs, so that colour is never needed to read them."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from firetower.core.text import visible


class _Option(Static):
    """One option, to click on."""

    def __init__(self, label: str, index: int) -> None:
        super().__init__("")
        self.label = label
        self.index = index

    def draw(self, *, chosen: bool) -> None:
        """Show whether it is the one."""
        self.set_class(chosen, "-chosen")
        sign = "(•)" if chosen else "( )"
        self.update(Content.from_markup("$sign $label", sign=sign, label=visible(self.label)))

    def on_click(self, event: events.Click) -> None:
        """Choose it."""
        event.stop()
        parent = self.parent
        if isinstance(parent, Radio):
            parent.focus()
            parent.index = self.index


class Radio(Widget, can_focus=True):
    """One of a few options, side by side; the arrows and a click choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "step(1)", "Next", show=False),
        Binding("left,h", "step(-1)", "Before", show=False),
    ]
    index: reactive[int] = reactive(0, init=False)

    class Changed(Message):
        """Another option was chosen."""

        def __init__(self, radio: "Radio") -> None:
            super().__init__()
            self.radio = radio

        @property
        def control(self) -> "Radio":
            """The field."""
            return self.radio

    def __init__(
        self,
        options: Sequence[str],
        index: int = 0,
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(id=id)
        self._options = [_Option(label, place) for place, label in enumerate(options)]
        self.set_reactive(Radio.index, index)

    def compose(self) -> ComposeResult:
        """Lay out the options."""
        yield from self._options

    def on_mount(self) -> None:
        """Show which is chosen."""
        self._draw()

    def watch_index(self) -> None:
        """Show which is chosen, and tell."""
        self._draw()
        self.post_message(self.Changed(self))

    def _draw(self) -> None:
        for option in self._options:
            option.draw(chosen=option.index == self.index)

    def action_step(self, by: int) -> None:
        """Choose the next option, or the one before."""
        self.index = (self.index + by) % len(self._options)


class Tick(Static, can_focus=True):
    """Yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "turn", "Change", show=False),
    ]
    value: reactive[bool] = reactive(False, init=False)  # noqa: FBT003 - Textual's way

    class Changed(Message):
        """It was changed."""

    def __init__(
        self,
        label: str,
        *,
        value: bool,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(id=id)
        self.label = label
        self.set_reactive(Tick.value, value)

    def on_mount(self) -> None:
        """Show it."""
        self._draw()

    def watch_value(self) -> None:
        """Show it, and tell."""
        self._draw()
        self.post_message(self.Changed())

    def _draw(self) -> None:
        sign = "[x]" if self.value else "[ ]"
        self.update(Content.from_markup("$sign $label", sign=sign, label=visible(self.label)))

    def action_turn(self) -> None:
        """Change it."""
        self.value = not self.value

    def on_click(self) -> None:
        """Change it."""
        self.action_turn()
