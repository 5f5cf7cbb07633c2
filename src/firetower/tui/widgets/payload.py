"""The editor of a payload or message: JSON in colour, and the event's variables completed."""

import re
from collections.abc import Sequence

from textual import events
from textual.widgets import TextArea

_BEGUN = re.compile(r"\$\{([\w.]*)$")
_PART = re.compile(r"[\w.]")


class TemplateEditor(TextArea):
    """Text with `${variables}`; tab takes the variable that is suggested, escape refuses it."""

    def __init__(
        self,
        text: str = "",
        *,
        language: str | None = None,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(
            text,
            language=language,
            placeholder=placeholder,
            soft_wrap=True,
            compact=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            id=id,
        )
        self.variables: Sequence[str] = ()

    def begun(self) -> str | None:
        """Return what is written so far of the variable at the cursor, or None."""
        row, column = self.cursor_location
        found = _BEGUN.search(self.document.get_line(row)[:column])
        return None if found is None else found[1]

    def update_suggestion(self) -> None:
        """Suggest the rest of the variable at the cursor."""
        begun = self.begun()
        row, column = self.cursor_location
        after = self.document.get_line(row)[column : column + 1]
        if begun is None or _PART.fullmatch(after):
            self.suggestion = ""
            return
        name = next((one for one in self.variables if one.startswith(begun)), "")
        is_whole = name and not name.endswith(".") and after != "}"
        self.suggestion = name[len(begun) :] + ("}" if is_whole else "")

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "tab" and self.suggestion:
            event.prevent_default()
            event.stop()
            self.insert(self.suggestion)
            return
        if event.key == "escape" and self.suggestion:
            event.prevent_default()
            event.stop()
            self.suggestion = ""
            return
        await super()._on_key(event)
