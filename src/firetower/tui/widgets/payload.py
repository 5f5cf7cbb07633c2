"""The editor of a payload or message: JSON in colour, and the event's variables completed."""

import re
from collections.abc import Sequence
from typing import Any

from textual import events
from textual.widgets import TextArea

_BEGUN = re.compile(r"\$\{([\w.]*)$")
_PART = re.compile(r"[\w.]")


class TemplateEditor(TextArea):
    """Text with `${variables}`; tab takes the variable that is suggested, escape refuses it."""

    def __init__(self, text: str, **options: Any) -> None:
        """`options` are those of the TextArea."""
        super().__init__(text, compact=True, highlight_cursor_line=False, **options)
        self.variables: Sequence[str] = ()

    def update_suggestion(self) -> None:
        """Suggest the rest of the variable at the cursor."""
        row, column = self.cursor_location
        line = self.document.get_line(row)
        found, after = _BEGUN.search(line[:column]), line[column : column + 1]
        if found is None or _PART.fullmatch(after):
            self.suggestion = ""
            return
        begun = found[1]
        name = next((one for one in self.variables if one.startswith(begun)), "")
        is_whole = name and not name.endswith(".") and after != "}"
        self.suggestion = name[len(begun) :] + ("}" if is_whole else "")

    async def _on_key(self, event: events.Key) -> None:
        if event.key not in {"tab", "escape"} or not self.suggestion:
            await super()._on_key(event)
            return
        event.prevent_default()
        event.stop()
        if event.key == "tab":
            self.insert(self.suggestion)
        else:
            self.suggestion = ""
