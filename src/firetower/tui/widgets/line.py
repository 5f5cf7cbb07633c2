"""A line of text that takes all of what is pasted."""

import re

from textual import events
from textual.widgets import Input

_BREAK = re.compile(r"\r\n|\r|\n")


class Line(Input):
    """Textual's own drops all but the first line of what is pasted.

    Here several lines are joined by spaces, which keeps JSON, paths and names what they are; a
    hidden value, such as a key in PEM, keeps its lines without the break at the end.
    """

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        lines = _BREAK.split(event.text)
        if self.password:
            text = "\n".join(lines).removesuffix("\n")
        elif len(lines) > 1:
            text = " ".join(filter(None, map(str.strip, lines)))
        else:
            text = event.text
        self.replace(text, *self.selection)
