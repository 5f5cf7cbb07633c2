"""Small rules for words shown to people."""

import difflib
import json
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

BARS = "▁▂▃▄▅▆▇█"
"""A sparkline's, from the least to the greatest."""
MAX_DIGITS = 4_000
"""Digits of a whole number accepted from outside: Python itself writes and reads 4,300."""
TOO_LARGE = 10**MAX_DIGITS
_LONGEST_MESSAGE, _END, _LONGEST_WORD = 2_000, 500, 500
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that `word` was most likely meant to be, if one is close."""
    found = difflib.get_close_matches(word[:_LONGEST_WORD], list(choices), n=1, cutoff=0.5)
    return found[0] if found else None


def suggest(word: str, choices: Iterable[str], hint: str) -> str:
    """Return a hint that begins with the choice that `word` was most likely meant to be."""
    close = nearest(word, choices)
    return f"Did you mean {visible(close)}? {hint}" if close else hint


def visible(text: str) -> str:
    r"""Return `text` with control, format and unassigned characters drawn as escapes (`\x1b`)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if unicodedata.category(character) not in _UNPRINTABLE
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shell_word(text: str) -> str:
    """Return `text` as a command of a hint names it: quoted where a shell would split it."""
    import shlex  # few hints are ever made

    return visible(shlex.quote(text))


def storable(text: str) -> str:
    """Return `text` as every database keeps it: NUL and lone surrogates become "\ufffd".

    PostgreSQL refuses the one, UTF-8 the other; an endpoint may answer with both.
    """
    if text.isascii() and "\0" not in text:
        return text
    replaced = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return replaced.replace("\0", "\ufffd")


def quoted(value: object) -> str:
    """Return a value as JSON on one line, safe to draw; of what cannot be written its type."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except Exception:
        text = f"({type(value).__name__})"
    return visible(text)


def shortened(text: str, limit: int) -> str:
    """Return the first `limit` characters, saying so with an ellipsis when some were cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def bounded(text: str) -> str:
    """Return a message without its middle where it repeats too much of what it is about."""
    left_out = len(text) - _LONGEST_MESSAGE
    if left_out <= 0:
        return text
    return f"{text[: _LONGEST_MESSAGE - _END]}… ({left_out:,} characters) …{text[-_END:]}"


def and_list(words: Iterable[str], conjunction: str = "and", *, most: int | None = None) -> str:
    """Return "a, b and c"; of more than `most` only those, as "a, b and 3 more"."""
    items = list(words)
    if most is not None and len(items) > most:
        items[most:] = [f"{len(items) - most:,} more"]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return "1 version", "2 versions"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def is_needed(name: str) -> str:
    """Return "Name is needed", "Aliases are needed"."""
    return f"{name} {'are' if name.endswith('s') and not name.endswith('ss') else 'is'} needed"


def agreeing(number: int, verb: str) -> str:
    """Return a verb as it goes with a number: "matches" with 1, "match" with others."""
    if number != 1:
        return verb
    irregular = {"are": "is", "have": "has", "were": "was"}
    ending = "es" if verb.endswith(("ch", "s", "sh", "x")) else "s"
    return irregular.get(verb, verb + ending)


def byte_count(size: int) -> str:
    """Return a size in binary units: "4.2 MiB"."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def first_refusal(error: "ValidationError") -> tuple[str, str]:
    """Return the place of the first value that pydantic refused, "" for the whole, and why."""
    first = error.errors(include_url=False)[0]
    return shortened(".".join(map(str, first["loc"])), 60), shortened(first["msg"], 120)


def instant(moment: datetime) -> str:
    """Return a moment that has a time zone as ISO 8601 in UTC with microseconds and a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
