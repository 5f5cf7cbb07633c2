"""The editor of a payload: JSON in colour, and the event's variables completed."""

import re
from collections.abc import Sequence

from textual import events
from textual.widgets import TextArea

_BEGUN = re.compile(r"\$\{([\w.]*)$")


class PayloadEditor(TextArea):
    """JSON text with `${variables}`; tab takes the variable that is suggested."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(
            language="json",
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
        names = [] if begun is None else [one for one in self.variables if one.startswith(begun)]
        row, column = self.cursor_location
        closed = self.document.get_line(row)[column:].startswith("}")
        self.suggestion = (names[0][len(begun or "") :] + ("" if closed else "}")) if names else ""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "tab" and self.suggestion:
            event.prevent_default()
            event.stop()
            self.insert(self.suggestion)
            return
        await super()._on_key(event)
