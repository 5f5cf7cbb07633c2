"""Text, times and fields as the screens write them."""

import json
import re
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.content import Content, Span
from textual.filter import LineFilter
from textual.widgets import Static

from firetower.core.text import byte_count, visible

STYLES = {
    "ok": "$success",
    "bad": "$error",
    "warn": "$warning",
    "dim": "$muted",
    "accent": "$accent",
}
"""The theme's colours by the tones of cells."""
MOST_CHARACTERS = 10_000
MOST_LINES = 300
MOST_IN_LINE = 1_000
"""What is drawn of one text: Textual lays out all of it, in sight or not, before the next key."""
_JSON_LINE = re.compile(
    r"""^[ ]*(?P<key>"(?:[^"\\\n]|\\.)*":)?[ ]*(?P<other>-?\d[^,\n]*|true|false|null)?""",
    re.MULTILINE,
)
_CONTROL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that a terminal may obey."""
_INDENTED = json.JSONEncoder(indent=2, ensure_ascii=False)


def plain(text: str) -> Content:
    """Return text from outside as it is: no markup is obeyed, control characters are drawn."""
    cut = len(text) - MOST_IN_LINE
    return Content(visible(text[:MOST_IN_LINE]) + (f" {more(cut)}" if cut > 0 else ""))


def more(size: int, hint: str = "") -> str:
    """Return how much of a text is not shown, and where it is: "… 2.9 MiB more, y copies all"."""
    return f"… {byte_count(size)} more{hint and f', {hint}'}"


def lines(text: str, hint: str = "") -> Content:
    """Return text of several lines as it is; of a long one its beginning and `more`."""
    head = _head(text)
    return _said(head, len(text) - len("\n".join(head)), hint)


def json_lines(value: object, hint: str = "") -> Content:
    """Return a value as indented JSON; of a long one its beginning and `more`."""
    parts, length = [], 0
    for part in _INDENTED.iterencode(value):
        parts.append(part)
        length += len(part)
        if length > MOST_CHARACTERS:
            break
    text = "".join(parts)
    head = _head(text)
    shown = len("\n".join(head))
    if shown == length <= MOST_CHARACTERS:
        return _coloured(_said(head, 0, hint))
    compact = sum(len(line.strip()) + 1 for line in head)
    rest = max(len(json.dumps(value, ensure_ascii=False)) - compact, 1)
    return _coloured(_said(head, rest, hint))


def _coloured(shown: Content) -> Content:
    """Return indented JSON with its keys dim, and what is no text in the accent's colour."""
    spans = [
        Span(*found.span(group), style)
        for found in _JSON_LINE.finditer(shown.plain)
        for group, style in (("key", "$muted"), ("other", "$accent"))
        if found[group]
    ]
    return shown.add_spans(spans)


def body_lines(body: str, hint: str = "") -> Content:
    """Return a body as indented JSON if it is JSON, else as it is; bounded as `lines` are."""
    try:
        return json_lines(json.loads(body), hint)
    except (ValueError, RecursionError):
        return lines(body, hint)


def folded(text: Content, width: int) -> Content:
    """Return text in `width` cells: what a line has no room for begins below its beginning."""
    rows: list[Content] = []
    for line in text.split(allow_blank=True):
        indent = len(line.plain) - len(line.plain.lstrip(" "))
        if line.cell_length <= width:
            rows.append(line)
        else:
            parts = line[indent:].wrap(max(width - indent, 10))
            rows += [Content(" " * indent) + part.rstrip() for part in parts]
    return Content("\n").join(rows)


def _head(text: str) -> list[str]:
    return text[:MOST_CHARACTERS].split("\n", MOST_LINES)[:MOST_LINES]


def _said(head: list[str], rest: int, hint: str) -> Content:
    shown = Content("\n".join(visible(line) for line in head))
    return shown + Content.styled(f"\n{more(rest, hint)}", "dim") if rest else shown


def mark(good: bool) -> Content:  # noqa: FBT001
    """Return the sign of what is true or succeeded, or is not."""
    return Content.styled("✓ ", "$success") if good else Content.styled("✗ ", "$error")


def field(name: str, value: Content | str, *, width: int = 10) -> Content:
    """Return a value beside its name, padded to `width` cells."""
    shown = plain(value) if isinstance(value, str) else value
    return Content.assemble((f"{name:<{width}}", "dim"), shown)


def hanging(name: str, value: str, width: int, *, indent: int = 10) -> Content:
    """Return a value beside its name, folded so that each of its lines begins beside it."""
    return flowing(name, [plain(value)], width, indent=indent)


def flowing(name: str, parts: Iterable[Content], width: int, *, indent: int = 11) -> Content:
    """Return short texts beside a name, as many in a line as there is room for."""
    room = max(width - indent, 10)
    rows: list[Content] = [Content("")]
    for part in parts:
        shown = part.wrap(room)
        if rows[-1] and rows[-1].cell_length + 3 + part.cell_length <= room and len(shown) == 1:
            rows[-1] = Content.assemble(rows[-1], "   ", part)
        else:
            rows += shown
    text = Content(f"\n{' ' * indent}").join(row.rstrip() for row in rows if row)
    return field(name, text, width=indent)


def show_text(static: Static, text: Content) -> None:
    """Show a text unless it is shown already: every update is painted."""
    if static.content != text:
        static.update(text)


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in the largest fitting unit; "never" for None.

    Less than a minute is "now": a count of seconds would repaint an idle screen.
    """
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:,.0f} {unit}"
    return "now"


def age(moment: datetime | None, now: datetime) -> str:
    """Return how long ago something was as a phrase: "3 h ago", "now", "never"."""
    said = ago(moment, now)
    return said if said in {"now", "never"} else f"{said} ago"


def lasting(span: timedelta, *, exact: bool = True) -> str:
    """Return a duration in its two largest units: "41 min", "2 h 5 min".

    Unless it is exact, less than a minute is not counted: that would repaint an idle screen.
    """
    seconds = int(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s" if exact else "< 1 min"
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if days:
        return f"{days:,} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def clock(moment: datetime, now: datetime) -> str:
    """Return a moment as its local time of day, or its date if it is more than a day away.

    One of a coming day has both: a cooldown of a day ends at the time of day at which it began.
    """
    local = moment.astimezone()
    if moment > now and local.date() != now.astimezone().date():
        return local.strftime("%d %b %H:%M")
    if abs(now - moment) < timedelta(days=1):
        return local.strftime("%H:%M:%S")
    return local.strftime("%d %b" if local.year == now.year else "%Y-%m")


def line_time(moment: datetime, now: datetime) -> str:
    """Return a moment as a list of what happened writes it: its date too unless it is today."""
    local, today = moment.astimezone(), now.astimezone()
    if local.date() == today.date():
        return local.strftime("%H:%M:%S")
    return local.strftime("%d %b %H:%M" if local.year == today.year else "%d %b %Y")


def short_date(day: date) -> str:
    """Return a date in six cells: "13 Mar"."""
    return f"{day:%d %b}"


def day_words(day: date, now: datetime) -> str:
    """Return a date as the heading of its lines: "Friday 13 March"."""
    year = "" if day.year == now.astimezone().year else f" {day.year}"
    return f"{day:%A} {day.day} {day:%B}{year}"


def exact(moment: datetime) -> str:
    """Return a moment as its local date and time, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def milliseconds(span: float | None) -> str:
    """Return a duration in milliseconds as "34 ms", or "12.3 s" from ten seconds on."""
    if span is None:
        return ""
    return f"{span:,.0f} ms" if span < 10_000 else f"{span / 1_000:,.1f} s"


_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
"""What a terminal sends around pasted text."""
_NO_KEYS = str.maketrans("\0\x1b", "��")
_HALF_PASTED = re.compile(r"\x1b(\[(2(0(1)?)?)?)?\Z")


class TerminalDecoder:
    """Decodes what a terminal sends. Bytes that are no UTF-8 become �: one may not end the app.

    So do NUL and escape in pasted text: Textual would drop the one and take the other for a key.
    """

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._pasting = False

    def decode(self, data: bytes, final: bool = False) -> str:  # noqa: FBT001, FBT002 - as codecs
        """Return the text of these bytes, but for what the next ones have the end of."""
        text, self._rest, decoded = self._rest + self._decode(data, final), "", ""
        while text:
            if not self._pasting:
                typed, begun, text = text.partition(_PASTE)
                decoded, self._pasting = decoded + typed + begun, bool(begun)
                continue
            pasted, ended, text = text.partition(_PASTED)
            if not ended and not final and (half := _HALF_PASTED.search(pasted)):
                pasted, self._rest = pasted[: half.start()], half[0]
            decoded, self._pasting = decoded + pasted.translate(_NO_KEYS) + ended, not ended
        return decoded


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
