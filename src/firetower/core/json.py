"""JSON as Firetower reads and writes it: always valid, always ASCII, bounded in depth."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any, cast

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.text import MAX_DIGITS, TOO_LARGE, quoted, shortened

_MOMENTS = ("M", "m")
"""NumPy's kinds of dates and spans of time: of nanoseconds it would give a bare number."""

MAX_DEPTH = 64
"""Levels of nesting accepted from outside: deeper input is refused, not recursed into."""


class EqualKeys(InvalidInput):
    """One object has the same key twice: of its two values one would be lost."""

    def __init__(self, what: str, keys: Iterable[str]) -> None:
        name = next(key for key, count in Counter(keys).items() if count > 1)
        super().__init__(
            f"{what} has the key {quoted(shortened(name, 60))} twice",
            "Give each key of an object once.",
        )


def unique_keys(what: str, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's pairs as a dict. Raises EqualKeys."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise EqualKeys(what, (key for key, _ in pairs))
    return found


def dump(value: object) -> str:
    """Return compact JSON in ASCII, which no encoding and no terminal can break."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def canonical(value: object) -> str:
    """Return the same JSON for equal values: keys are sorted."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def parse(text: str, what: str) -> JsonValue:
    """Read JSON from outside. Raises InvalidInput with the place of the mistake."""
    try:
        value = json.loads(
            text, object_pairs_hook=partial(unique_keys, what), parse_float=partial(in_range, what)
        )
    except RecursionError:
        raise _too_deep(what) from None
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{what} is not JSON: {error}", "Check quotes, commas and brackets there."
        ) from None
    except ValueError:  # the interpreter's own bound on digits
        raise _too_large(what) from None
    return clean(value, what)


def in_range(what: str, text: str) -> float:
    """Return a number. Raises InvalidInput where it would become infinite, or wrongly zero."""
    number = float(text)
    if math.isinf(number) or (number == 0 and re.match("-?[0.]*[1-9]", text)):
        raise _out_of_range(what, text)
    return number


def parse_object(text: str) -> dict[str, JsonValue]:
    """Read an object that Firetower itself wrote."""
    return cast("dict[str, JsonValue]", json.loads(text))


def clean(value: object, what: str, depth: int = 0) -> JsonValue:
    """Return a Python value as plain JSON data.

    Numbers JSON does not have become the strings "NaN", "Infinity" and "-Infinity", as in
    Protocol Buffers' JSON mapping: a diverged loss must not end a training script. NumPy's
    scalars and arrays become numbers and lists. Keys that are numbers, booleans or None become
    text. Raises InvalidInput for anything else, and for keys that are the same once they are text.
    """
    if depth > MAX_DEPTH:
        raise _too_deep(what)
    match value:
        case None | bool() | str():
            return value
        case int():
            if abs(value) >= TOO_LARGE:
                raise _too_large(what)
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else json.dumps(float(value))
        case Mapping():
            pairs = [
                (_key(key, what), clean(item, what, depth + 1))
                for key, item in items_of(value, what)
            ]
            return unique_keys(what, pairs)
        case list() | tuple():
            return [clean(item, what, depth + 1) for item in value]
    plain = _plain(value, what)
    if plain is not value:
        return clean(plain, what, depth + 1)
    raise _not_json(value, what)


def clean_object(values: Mapping[str, object] | None, what: str) -> dict[str, JsonValue]:
    """Return a mapping, or nothing at all, as a JSON object. Raises as `clean` does."""
    return cast("dict[str, JsonValue]", clean({} if values is None else values, what))


def items_of(values: Mapping[Any, object], what: str) -> Iterable[tuple[Any, object]]:
    """Return a mapping's pairs. Raises InvalidInput where it cannot give them."""
    if type(values) is dict:
        return values.items()
    try:
        return [(key, value) for key, value in values.items()]
    except Exception as error:  # the mapping's own: some read their values when asked for them
        raise InvalidInput(
            f"{what} cannot be read: {type(error).__name__}", "Give it as a plain dict."
        ) from error


def _key(key: object, what: str) -> str:
    if isinstance(key, str):
        return key
    plain = clean(key, what)
    if isinstance(plain, list | dict):
        raise _not_json(key, what)
    return str(plain)


def _not_json(value: object, what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} contains a value of type {type(value).__name__}, which JSON does not have",
        "Use strings, numbers, booleans, None, lists and dicts.",
    )


def _plain(value: object, what: str) -> object:
    """Return NumPy's scalars and arrays as Python's; anything else as it is."""
    tolist: Any = getattr(value, "tolist", None)
    if not callable(tolist) or getattr(getattr(value, "dtype", None), "kind", "") in _MOMENTS:
        return value
    try:
        plain: object = tolist()
    except Exception:
        return value
    if type(plain) is not type(value):
        return plain
    if not isinstance(plain, Real):
        return value
    number = float(plain)  # numpy.longdouble has no equal in Python
    if math.isinf(number) and number != plain:
        raise _out_of_range(what, str(plain))
    return number


def _out_of_range(what: str, text: str) -> InvalidInput:
    return InvalidInput(
        f"{what} contains {shortened(text, 40)}, beyond the range of numbers",
        "Give it as a string.",
    )


def _too_large(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} contains a number of more than {MAX_DIGITS:,} digits", "Give it as a string."
    )


def _too_deep(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} is nested deeper than {MAX_DEPTH} levels", "Flatten it, or leave a part out."
    )
