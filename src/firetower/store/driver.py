"""Statements run by the driver alone.

SQLAlchemy takes five times as long over a statement as SQLite does, and longer over each row. And
one statement of many rows releases the interpreter's lock once, where one for each row would wait
for it each time beside a busy event loop.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Dialect, Select, Table, UpdateBase
from sqlalchemy.exc import DBAPIError

Values: TypeAlias = tuple[str | int | float | None, ...]
"""A row's values as the database keeps them."""

_MOST_VALUES = 30_000
"""In one statement. SQLite takes 32,766, PostgreSQL 65,535."""


class _Compiled(NamedTuple):
    text: str
    constants: dict[str, Any]
    """The values of the parameters that are part of the statement."""
    decoders: Sequence[tuple[int, Callable[[Any], Any]]]
    make_row: Callable[[Sequence[Any]], Any]


class Prepared:
    """A statement that is compiled once for each kind of database."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | UpdateBase) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, **values: str | float | None) -> list[Any]:
        """Run it with values as the database keeps them; return the rows, named tuples."""
        dialect = connection.dialect
        if (found := self._compiled.get(dialect.name)) is None:
            found = self._compiled[dialect.name] = _compile(self._statement, dialect)
        text, constants, decoders, make_row = found
        rows = _run(connection, text, constants | values)
        if not decoders:
            return list(map(make_row, rows))
        decoded = []
        for row in map(list, rows):
            for place, decode in decoders:
                row[place] = decode(row[place])
            decoded.append(make_row(row))
        return decoded

    def first(self, connection: Connection, **values: str | float | None) -> Any:  # noqa: ANN401 - a named tuple
        """Run it; return the first row, or None."""
        rows = self.rows(connection, **values)
        return rows[0] if rows else None


def _compile(statement: Select[*tuple[Any, ...]] | UpdateBase, dialect: Dialect) -> _Compiled:
    if dialect.paramstyle == "qmark":
        dialect = type(dialect)(paramstyle="named")
    compiled: Any = statement.compile(dialect=dialect)
    columns = list(statement.exported_columns)
    row = namedtuple("row", [str(column.key) for column in columns], rename=True)  # type: ignore[misc]
    decoders = [
        column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
    ]
    constants = {}
    for name, parameter in compiled.binds.items():
        if not parameter.required:
            encode = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            value = parameter.value
            constants[name] = value if value is None or encode is None else encode(value)
    return _Compiled(
        str(compiled),
        constants,
        [(place, decode) for place, decode in enumerate(decoders) if decode is not None],
        row._make,
    )


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
) -> list[tuple[Any, ...]]:
    """Run a statement with `{rows}` replaced by rows; return what it returns.

    `value` has the SQL of each column.
    """
    returned: list[tuple[Any, ...]] = []
    row = f"({', '.join(value)})"
    most = _MOST_VALUES // len(value)
    for start in range(0, len(rows), most):
        part = rows[start : start + most]
        rows_of_part = ", ".join([row] * len(part))
        values = tuple(chain.from_iterable(part))
        returned += run(connection, statement.format(rows=rows_of_part), values)
    return returned


def run_with_ids(
    connection: Connection, statement: str, ids: Sequence[int], *values: str | float | None
) -> list[tuple[Any, ...]]:
    """Run a statement with `{ids}`, the last of its parameters, replaced by ids."""
    marks = ", ".join("?" * len(ids))
    return run(connection, statement.format(ids=marks), (*values, *ids))


def run(connection: Connection, statement: str, values: Values = ()) -> list[tuple[Any, ...]]:
    """Run a statement with a `?` for each of its values; return what it returns."""
    if connection.dialect.paramstyle != "qmark":
        statement = statement.replace("?", "%s")
    return _run(connection, statement, values)


def _run(connection: Connection, statement: str, values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - the driver's
    driver: Any = connection.connection.dbapi_connection
    try:
        cursor = driver.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
    except connection.dialect.loaded_dbapi.Error as error:
        if connection.dialect.is_disconnect(error, driver, None):
            connection.invalidate(error)
        raise DBAPIError(statement, None, error) from error
