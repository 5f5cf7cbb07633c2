"""Reading metadata as people write it."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.json import EqualKeys, dump, parse, unique_keys
from firetower.core.text import quoted, shortened, visible

MAX_TEXT = 64 * 1024 * 1024
"""Characters that are read of a file, and bytes of a line: a device may never end."""


def text_or_file(value: str, what: str) -> str:
    """Return a value, or the content of the file that `@FILE` names. Raises InvalidInput."""
    if not value.startswith("@"):
        return value
    name = value[1:]
    try:
        with Path(name).open(encoding="utf-8-sig") as file:
            text = file.read(MAX_TEXT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(
            f"{what} cannot be read from {visible(name)}: {reason}",
            "Check the path after @, and that the file is UTF-8 text.",
        ) from None
    if len(text) > MAX_TEXT:
        raise InvalidInput(
            f"{what} in {visible(name)} is longer than {MAX_TEXT:,} characters",
            "Keep what is large in a file of the version.",
        )
    return text


def metadata_of(values: Iterable[str], what: str = "metadata") -> dict[str, JsonValue]:
    """Merge JSON objects, `@FILE`s and `KEY=VALUE`s; a VALUE that is JSON is taken as such.

    A VALUE that is a number is one only if it reads the same when written: 0.9 is, 1.10 is text.
    Raises InvalidInput, also for a key that is given twice.
    """
    pairs: list[tuple[str, JsonValue]] = []
    for value in values:
        key, equals, given = value.partition("=")
        if equals and key and not value.startswith(("@", "{", "[", '"')):
            _check_unicode(value, what)
            pairs.append((key, _plain(given, what)))
            continue
        found = parse(text_or_file(value, f"the {what}"), f"the {what}")
        if not isinstance(found, dict):
            raise InvalidInput(
                f"the {what} {quoted(shortened(value, 40))} is not an object",
                f'Write it as {{"accuracy": 0.93}}, accuracy=0.93 or @{what}.json.',
            )
        pairs += found.items()
    return unique_keys(f"the {what}", pairs)


def _check_unicode(text: str, what: str) -> None:
    """Refuse an argument whose bytes are no UTF-8: other text would be kept in their place."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"the {what} {quoted(shortened(text, 40))} is not valid Unicode",
            "Write it in UTF-8, or bytes in an encoding such as base64.",
        ) from None


def _plain(text: str, what: str) -> JsonValue:
    try:
        value = parse(text, f"the {what}")
    except EqualKeys:
        raise
    except InvalidInput:
        return text
    return text if isinstance(value, int | float) and dump(value) != text else value


def words_of(text: str) -> list[str]:
    """Split a line into words, as a shell does: quotes hold one together. Raises InvalidInput."""
    try:
        return shlex.split(text)
    except ValueError:
        raise InvalidInput(
            f"{quoted(shortened(text, 40))} has a quote that is not closed",
            'Put what has spaces in quotes: "my model.pt".',
        ) from None
