"""The demo's data, and what of it is the same each time."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from itertools import compress
from pathlib import Path

from firetower.demo.history import fill

NOW = datetime(2026, 3, 4, 14, 20, tzinfo=UTC)
RECEIVER = "http://127.0.0.1:8800"
_ENCRYPTED = {"secrets": {"ciphertext"}, "state": {"value"}}
"""Encryption never gives the same text twice."""


def filled(path: Path, *, now: datetime = NOW, seed: int = 7) -> Path:
    fill(str(path), now=now, seed=seed, receiver_url=RECEIVER)
    return path


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, without what encryption makes different each time."""
    with closing(sqlite3.connect(path)) as connection:
        names = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {name: _rows(connection, name) for name in names}


def _rows(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    cursor = connection.execute(f"SELECT * FROM {table}")
    shown = [column[0] not in _ENCRYPTED.get(table, set()) for column in cursor.description]
    return sorted((tuple(compress(row, shown)) for row in cursor), key=repr)
