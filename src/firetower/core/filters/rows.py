"""A filter as rows: conditions that all have to hold, each a field, an operator and a value."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.filters.operators import OPERATORS
from firetower.core.json import parse
from firetower.core.text import quoted

_LISTS = {"$in", "$nin", "$all"}
_TEXTS = {"$regex", "$contains"}


@dataclass(frozen=True, slots=True)
class FilterRow:
    """One row; the value is as a person writes it: `0.9`, `resnet`, `true`, `a, b`."""

    field: str
    operator: str = "$eq"
    value: str = ""


def rows_of(text: str) -> list[FilterRow] | None:
    """Return a filter's JSON text as rows; None if it says more than rows can.

    Raises InvalidInput for what is not JSON.
    """
    return _rows(parse(text, "the filter")) if text.strip() else []


def _rows(source: JsonValue) -> list[FilterRow] | None:
    if not isinstance(source, dict):
        return None
    found: list[FilterRow] = []
    for name, asked in source.items():
        if name == "$and" and isinstance(asked, list):
            inner = [_rows(part) for part in asked]
        elif name.startswith("$"):
            return None
        elif isinstance(asked, dict) and asked and all(one.startswith("$") for one in asked):
            if not asked.keys() <= OPERATORS.keys():
                return None
            inner = [[FilterRow(name, one, _written(one, value)) for one, value in asked.items()]]
        else:
            inner = [[FilterRow(name, "$eq", _written("$eq", asked))]]
        for rows in inner:
            if rows is None:
                return None
            found += rows
    return found


def filter_text(rows: Sequence[FilterRow]) -> str:
    """Return the JSON text of a filter, empty without rows. Raises InvalidInput for a value."""
    parts: list[JsonValue] = [{one.field: {one.operator: _read(one)}} for one in rows]
    if not parts:
        return ""
    return json.dumps(parts[0] if len(parts) == 1 else {"$and": parts}, ensure_ascii=False)


def _read(row: FilterRow) -> JsonValue:
    """Return the value of a row as JSON. Raises InvalidInput."""
    text = row.value.strip()
    if row.operator == "$exists":
        if text.lower() not in {"true", "false", "yes", "no", ""}:
            raise InvalidInput(f"exists takes yes or no, not {quoted(text)}", "Write yes or no.")
        return text.lower() not in {"false", "no"}
    if not text:
        raise InvalidInput(f"{row.field} is compared with nothing", "Write a value beside it.")
    if row.operator in _TEXTS:
        return row.value  # a space at its end may be meant
    if row.operator in _LISTS:
        return _list(text)
    return _scalar(text)


def _list(text: str) -> JsonValue:
    if text.startswith("["):
        return parse(text, "the list")
    return [_scalar(part.strip()) for part in text.split(",") if part.strip()]


def _scalar(text: str) -> JsonValue:
    """Return a number, true, false, null or quoted text as JSON says; anything else is text."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return text if text in {"NaN", "Infinity", "-Infinity"} else value


def _written(operator: str, value: JsonValue) -> str:
    """Return a value as a person would write it."""
    if operator == "$exists":
        return "yes" if value else "no"
    if operator in _LISTS and isinstance(value, list):
        parts = [_plain(one) for one in value]
        plain = not any("," in part or part.startswith("[") for part in parts)
        return ", ".join(parts) if plain else json.dumps(value, ensure_ascii=False)
    return str(value) if operator in _TEXTS else _plain(value)


def _plain(value: JsonValue) -> str:
    if isinstance(value, str) and value.strip() == value and _scalar(value) == value and value:
        return value
    return json.dumps(value, ensure_ascii=False)
