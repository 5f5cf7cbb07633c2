"""The values that a filter asks for, as SQL finds them in a row."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Text, case, cast, func, literal
from sqlalchemy.dialects.postgresql import JSONB

_OLDEST_SQLITE = (3, 38)
"""Older ones have JSON's functions only if they were built with them."""
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_ -]+")
"""A key that stands in JSON, in a path of SQLite and in one of PostgreSQL as it is."""
_MOST_KEYS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A value of each row. Its text and its number hold where it is of that kind."""

    kind: ColumnElement[Any]
    """integer, real, text, true, false, null, array, object; NULL where it is missing."""
    text: ColumnElement[Any]
    number: ColumnElement[Any]
    is_sqlite: bool

    def number_of(self, operand: float) -> ColumnElement[Any]:
        """Return a number as this value's number is compared with it."""
        return literal(operand) if self.is_sqlite else literal(Decimal(repr(operand)), Numeric)

    def position(self, part: str) -> ColumnElement[int]:
        """Return where a text begins in this one, from 1 on; 0 where it does not occur."""
        return _position(self.text, part, is_sqlite=self.is_sqlite)


def in_column(column: ColumnElement[Any], kind: str, *, is_sqlite: bool) -> Found:
    """Return the value of a column, which is of one kind or NULL."""
    text = _ordered_by_letters(cast(column, Text), is_sqlite=is_sqlite)
    number = cast(column, Numeric)  # PostgreSQL wants to be told also where it never compares
    return Found(case((column.is_not(None), literal(kind))), text, number, is_sqlite)


def in_json(kind: ColumnElement[Any], value: ColumnElement[Any], *, is_sqlite: bool) -> Found:
    """Return the value of two columns that were made by `json_kind` and `json_value`."""
    number = value if is_sqlite else cast(value, Numeric)
    return Found(kind, _ordered_by_letters(value, is_sqlite=is_sqlite), number, is_sqlite)


def readable_json(column: ColumnElement[Any], *, is_sqlite: bool) -> ColumnElement[Any]:
    """Return a column's JSON as the database takes it apart; NULL where it may stumble.

    Firetower writes ASCII: whatever else there is stands as an escape, of which the databases
    refuse some (NUL, half a surrogate pair) and cut texts at others.
    """
    plain = _position(column, "\\u", is_sqlite=is_sqlite) == 0
    return case((plain, column if is_sqlite else cast(column, JSONB)))


def json_kind(
    document: ColumnElement[Any], keys: Sequence[str], *, is_sqlite: bool
) -> ColumnElement[Any]:
    """Return the kind of the value at a path of objects' keys, as `Found` names it."""
    if is_sqlite:
        return func.json_type(document, _sqlite_path(keys))
    at = document[tuple(keys)]
    # Numeric is exact for every number there: none is in doubt for its last digits.
    kinds = {"string": "text", "number": "integer", "boolean": at.astext}
    type_ = func.jsonb_typeof(at)
    return case(kinds, value=type_, else_=type_)


def json_value(
    document: ColumnElement[Any], keys: Sequence[str], *, is_sqlite: bool
) -> ColumnElement[Any]:
    """Return the value at a path of objects' keys; on PostgreSQL as text."""
    if is_sqlite:
        return func.json_extract(document, _sqlite_path(keys))
    text: ColumnElement[Any] = document[tuple(keys)].astext
    return text


def is_readable(keys: Sequence[str], *, is_sqlite: bool) -> bool:
    """Return whether SQL reads a path as a filter does: no key is an index of a list, too."""
    return (
        (not is_sqlite or sqlite3.sqlite_version_info >= _OLDEST_SQLITE)
        and len(keys) <= _MOST_KEYS
        and all(_PLAIN_KEY.fullmatch(key) for key in keys)
        and not any(key.isdecimal() for key in keys[1:])
    )


def dotted_paths(keys: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the paths over a key that itself has dots: where there is one, a filter takes it."""
    return [
        (*keys[:start], ".".join(keys[start:end]))
        for start in range(len(keys))
        for end in range(start + 2, len(keys) + 1)
    ]


def _sqlite_path(keys: Sequence[str]) -> str:
    return "$" + "".join(f'."{key}"' for key in keys)


def _ordered_by_letters(column: ColumnElement[Any], *, is_sqlite: bool) -> ColumnElement[Any]:
    """Compare texts by their letters' numbers, as Python does and SQLite by itself."""
    return column if is_sqlite else column.collate("C")


def _position(text: ColumnElement[Any], part: str, *, is_sqlite: bool) -> ColumnElement[int]:
    name = "instr" if is_sqlite else "strpos"
    found: ColumnElement[int] = getattr(func, name)(text, literal(part))
    return found
