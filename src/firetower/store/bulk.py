"""Many rows in one statement by the driver alone.

SQLAlchemy costs more per row than the database. And one statement releases the interpreter's lock
once, where one for each row would wait for it each time beside a busy event loop.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, TypeAlias

from sqlalchemy import Connection, CursorResult, Row, Table

from firetower.store.changes import is_postgresql

Values: TypeAlias = tuple[str | int | float | None, ...]
"""A row's values as the database keeps them."""

_MOST_VALUES = 30_000
"""In one statement. SQLite takes 32,766, PostgreSQL 65,535."""


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Values],
    then: str = "",
) -> None:
    """Insert rows with values in the order of `columns`; `then` ends the statement."""
    into = f"INSERT INTO {table.name} ({', '.join(columns)})"
    run_with_rows(connection, f"{into} VALUES {{rows}} {then}", ["?"] * len(columns), rows)


def run_with_rows(
    connection: Connection, statement: str, value: Sequence[str], rows: Sequence[Values]
) -> list[Row[Any]]:
    """Run a statement with `{rows}` replaced by rows; return what it returns.

    `value` has the SQL of each column.
    """
    returned: list[Row[Any]] = []
    row = f"({', '.join(value)})"
    most = _MOST_VALUES // len(value)
    for start in range(0, len(rows), most):
        part = rows[start : start + most]
        rows_of_part = ", ".join([row] * len(part))
        values = tuple(chain.from_iterable(part))
        result = _run(connection, statement.format(rows=rows_of_part), values)
        returned += result.all() if result.returns_rows else ()
    return returned


def set_true(connection: Connection, table: Table, column: str, ids: Sequence[int]) -> None:
    """Set a flag of the rows with these ids."""
    marks = ", ".join("?" * len(ids))
    _run(connection, f"UPDATE {table.name} SET {column} = true WHERE id IN ({marks})", tuple(ids))  # noqa: S608


def _run(connection: Connection, statement: str, values: Values) -> CursorResult[Any]:
    if is_postgresql(connection):
        statement = statement.replace("?", "%s")
    return connection.exec_driver_sql(statement, values)
