"""The line of keys at the bottom."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

_EDGE = "▏"
_AT_THE_EDGE = ("back", "leave", "help")
"""The actions whose keys stand on the right: the way out, and to what found no room."""
_LAST = ("select", "command_palette")
"""The actions whose keys come after the others, which matter more where there is little room."""


class KeyLine(Widget):
    """The keys that work here, as many as there is room for, and the way to all of them.

    Not Textual's Footer: that mounts a widget for each key whenever the focus moves, which
    doubles the time of a move (60 ms more), and at 80 columns it hides the last keys, help among
    them.
    """

    ALLOW_SELECT = False
    _keys: reactive[Sequence[Binding]] = reactive(())
    _pointed: reactive[str | None] = reactive(None)
    """The key that the mouse is on."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._look)

    def _look(self, screen: Screen[object]) -> None:
        if self.is_attached and self.app.app_focus:
            self._keys = tuple(_first_of_each_action(screen))

    def render(self) -> Content:
        """Lay out whole keys, those of where the focus is first."""
        last = [key for key in self._keys if key.action in _AT_THE_EDGE]
        last.sort(key=lambda key: _AT_THE_EDGE.index(key.action))
        edge = [self._shown(key) for key in last]
        at_the_edge = Content("")
        if edge:
            at_the_edge = Content.assemble((_EDGE, "$foreground 20%"), *edge, " ")
        room = self.size.width - at_the_edge.cell_length
        keys = Content("")
        for key in sorted(self._keys, key=lambda key: key.action in _LAST):
            shown = self._shown(key)
            if key.action not in _AT_THE_EDGE and keys.cell_length + shown.cell_length <= room:
                keys += shown
        return Content.assemble(keys, " " * (room - keys.cell_length), at_the_edge)

    def _shown(self, binding: Binding) -> Content:
        shown = Content.assemble(
            " ",
            (self.app.get_key_display(binding), "bold $footer-key-foreground"),
            (f" {binding.description}", "$footer-description-foreground"),
        )
        if binding.key == self._pointed:
            shown = shown.stylize("on $block-hover-background")
        return shown.stylize(Style.from_meta({"key": binding.key}))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._pointed = event.style.meta.get("key")

    def on_leave(self) -> None:
        self._pointed = None

    def on_click(self, event: events.Click) -> None:
        key = event.style.meta.get("key")
        if key is not None:
            event.stop()
            self.app.simulate_key(key)


def _first_of_each_action(screen: Screen[object]) -> Iterator[Binding]:
    """Yield the keys to show, one for each action, as they are looked up."""
    active = screen.active_bindings
    actions = set()
    for node, binding, _, _ in active.values():
        if binding.show and binding.action not in actions:
            actions.add(binding.action)
            key_label = getattr(node, "key_label", None)
            if key_label and (label := key_label(binding.action)):
                binding = replace(binding, description=label)  # noqa: PLW2901
            yield binding
