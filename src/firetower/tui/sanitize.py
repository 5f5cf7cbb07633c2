"""Remove control characters from what is drawn, so that the terminal obeys none."""

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_CONTROL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Sanitizer(LineFilter):
    """Replaces control and format characters in drawn lines.

    The screens already draw them as escapes, but text being edited keeps them.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments without control characters, as wide as they were."""
        if all(text.isascii() and text.isprintable() for text, _, _ in segments):
            return segments
        return [Segment(_sanitized(text), style, control) for text, style, control in segments]


@lru_cache(1024)
def _sanitized(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character
        if unicodedata.category(character) not in _CONTROL
        else "�" * max(0, cell_len(character))
        for character in text
    )
