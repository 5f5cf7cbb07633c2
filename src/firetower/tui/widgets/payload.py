"""The editor of a payload or message: JSON in colour, and variables completed from a list."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.geometry import Offset
from textual.reactive import Reactive
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option

from firetower.core.templates import error_place
from firetower.core.text import shortened, visible

_BEGUN = re.compile(r"\$\{([\w.-]*)$")
_PART = re.compile(r"[\w.-]")
_JSON = re.compile(
    r"""(?P<key>"(?:\\.|[^"\\])*"(?=\s*:))|(?P<string>"(?:\\.|[^"\\])*"?)
    |(?P<number>-?\d[\d.eE+-]*|\b(?:true|false|null)\b)""",
    re.VERBOSE,
)
_VARIABLE = re.compile(r"\$\{[^}\n]*\}?")
_VALUE = 30
"""Characters of a variable's value that are shown beside its name."""


class Completions(OptionList, can_focus=False):
    """The variables that can stand at the cursor, and their values for the newest event."""

    def __init__(self) -> None:
        super().__init__(compact=True)
        self.display = False

    def show(self, names: Mapping[str, str]) -> None:
        """Offer variables; none closes the list."""
        self.display = bool(names)
        self.clear_options()
        wide = max(map(len, names), default=0)
        for name, value in names.items():
            said = shortened(visible(value), _VALUE)
            self.add_option(Option(Text.assemble(f"{name:<{wide}}", (f"  {said}", "dim")), id=name))
        self.highlighted = 0 if names else None


class TemplateEditor(TextArea):
    """Text with `${variables}`: enter, tab or a click takes one of the list, escape closes it."""

    COMPONENT_CLASSES: ClassVar = {
        "template--key",
        "template--string",
        "template--number",
        "template--variable",
        "template--wrong",
    }
    cursor_blink = Reactive(False, init=False)  # noqa: FBT003 - it would write all the time

    def __init__(self, text: str, *, json: bool = False, **options: Any) -> None:
        """`options` are those of the TextArea."""
        super().__init__(text, compact=True, highlight_cursor_line=False, **options)
        self.json = json
        self.variables: Mapping[str, str] = {}
        """The variables it may use, and their values for the newest event."""
        self.completions = Completions()
        self._wrong: tuple[int, int] | None = None

    def mark_error(self, *, wrong: bool) -> None:
        """Mark the place where the text stops being JSON, or no place."""
        place = error_place(self.text) if wrong and self.json else None
        if place != self._wrong:
            self._wrong = place
            self.notify_style_update()
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        """Return a line in colour."""
        line = super().get_line(line_index)
        if self.json:
            for token in _JSON.finditer(line.plain):
                self._paint(line, str(token.lastgroup), *token.span())
        for token in _VARIABLE.finditer(line.plain):
            self._paint(line, "variable", *token.span())
        if self._wrong is not None and self._wrong[0] == line_index:
            at = min(self._wrong[1], max(len(line.plain) - 1, 0))
            self._paint(line, "wrong", at, at + 1)
        return line

    def _paint(self, line: Text, what: str, start: int, end: int) -> None:
        line.stylize(self.get_component_rich_style(f"template--{what}", partial=True), start, end)

    def update_suggestion(self) -> None:
        """Offer the variables that begin as what stands before the cursor."""
        begun = self._begun()
        offered = {} if begun is None else self._matching(begun)
        self.completions.show(offered)
        if offered:
            self.call_after_refresh(self._place_list)

    def _begun(self) -> str | None:
        """Return the variable that is begun at the cursor."""
        row, column = self.cursor_location
        line = self.document.get_line(row)
        found = _BEGUN.search(line[:column])
        is_inside = _PART.fullmatch(line[column : column + 1])
        return None if found is None or is_inside or not self.has_focus else found[1]

    def _matching(self, begun: str) -> Mapping[str, str]:
        names = self.variables
        found = [name for name in names if name.startswith(begun)]
        found += [name for name in names if begun.lower() in name.lower() and name not in found]
        return {name: names[name] for name in found}

    def _place_list(self) -> None:
        """Put the list under the cursor; Textual would put it under the editor."""
        parent = self.completions.parent
        left = self.region.x - getattr(parent, "region", self.region).x
        cursor = self.cursor_screen_offset - self.region.offset
        self.completions.styles.offset = Offset(left + cursor.x, cursor.y + 1 - self.size.height)

    def take(self, name: str) -> None:
        """Write a variable in the place of what is begun."""
        row, column = self.cursor_location
        after = self.document.get_line(row)[column : column + 1]
        end = "" if after == "}" or name.endswith(".") else "}"
        start = column - len(self._begun() or "")
        self.replace(name + end, (row, start), (row, column))

    def on_blur(self) -> None:
        self.completions.show({})

    async def _on_key(self, event: events.Key) -> None:
        if not self.completions.display or event.key not in {
            "tab",
            "enter",
            "escape",
            "up",
            "down",
        }:
            await super()._on_key(event)
            return
        event.prevent_default()
        event.stop()
        chosen = self.completions.highlighted_option
        if event.key == "up":
            self.completions.action_cursor_up()
        elif event.key == "down":
            self.completions.action_cursor_down()
        elif event.key == "escape" or chosen is None:
            self.completions.show({})
        else:
            self.take(str(chosen.id))
