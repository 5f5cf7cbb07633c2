"""JSON as Firetower reads and writes it: always valid, always ASCII, bounded in depth."""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from pydantic import JsonValue

from firetower.core.errors import InvalidInput

MAX_DIGITS = 4_000
"""Digits of a whole number accepted from outside: Python itself writes and reads 4,300."""
_TOO_LARGE = 10**MAX_DIGITS

MAX_DEPTH = 64
"""Levels of nesting accepted from outside: deeper input is refused, not recursed into."""


def dump(value: object) -> str:
    """Return compact JSON in ASCII, which no encoding and no terminal can break."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def parse(text: str, what: str) -> JsonValue:
    """Read JSON from outside. Raises InvalidInput with the place of the mistake."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise _too_deep(what) from None
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{what} is not JSON: {error}", "Check quotes, commas and brackets there."
        ) from None
    except ValueError:  # the interpreter's own bound on digits
        raise _too_large(what) from None
    return clean(value, what)


def parse_object(text: str) -> dict[str, JsonValue]:
    """Read an object that Firetower itself wrote."""
    return cast("dict[str, JsonValue]", json.loads(text))


def clean(value: object, what: str, depth: int = 0) -> JsonValue:
    """Return a Python value as plain JSON data.

    Numbers JSON does not have become the strings "NaN", "Infinity" and "-Infinity", as in
    Protocol Buffers' JSON mapping: a diverged loss must not end a training script. NumPy's
    scalars and arrays become numbers and lists. Raises InvalidInput for anything else.
    """
    if depth > MAX_DEPTH:
        raise _too_deep(what)
    match value:
        case None | bool() | str():
            return value
        case int():
            if abs(value) >= _TOO_LARGE:
                raise _too_large(what)
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else json.dumps(float(value))
        case Mapping():
            return {str(key): clean(item, what, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [clean(item, what, depth + 1) for item in value]
    plain: Any = getattr(value, "tolist", None)
    if callable(plain):
        return clean(plain(), what, depth + 1)
    raise InvalidInput(
        f"{what} contains a {type(value).__name__}, which JSON does not have",
        "Use strings, numbers, booleans, None, lists and dicts.",
    )


def _too_large(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} contains a number of more than {MAX_DIGITS:,} digits", "Give it as a string."
    )


def _too_deep(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} is nested deeper than {MAX_DEPTH} levels", "Flatten it, or leave a part out."
    )
