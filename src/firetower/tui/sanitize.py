"""Keeping control characters out of what is drawn, so that the terminal obeys none of it."""

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Sanitize(LineFilter):
    """Replaces control and format characters in lines.

    The screens draw them as escapes; text that is being edited has to stand as it is, and would
    reach the terminal.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments without characters that a terminal obeys, as wide as they were."""
        if all(text.isascii() and text.isprintable() for text, _, _ in segments):
            return segments
        return [Segment(_sanitized(text), style, control) for text, style, control in segments]


@lru_cache(1024)
def _sanitized(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character
        if unicodedata.category(character) not in _OBEYED
        else "�" * max(0, cell_len(character))
        for character in text
    )
