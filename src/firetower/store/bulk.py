"""Many rows in one statement by the driver alone: SQLAlchemy's care for each costs more than it."""

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import Connection, Table

from firetower.store.changes import is_postgresql

Values: TypeAlias = tuple[str | int | float | None, ...]
"""A row's values as the database keeps them."""


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Values]
) -> None:
    """Insert rows whose values stand in the order of `columns`."""
    if rows:
        marks = _marks(connection, len(columns))
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        connection.exec_driver_sql(statement, list(rows))


def set_true(connection: Connection, table: Table, column: str, ids: Sequence[int]) -> None:
    """Set a flag of the rows with these ids."""
    marks = _marks(connection, len(ids))
    statement = f"UPDATE {table.name} SET {column} = true WHERE id IN ({marks})"  # noqa: S608
    connection.exec_driver_sql(statement, tuple(ids))


def _marks(connection: Connection, count: int) -> str:
    return ", ".join(["%s" if is_postgresql(connection) else "?"] * count)
