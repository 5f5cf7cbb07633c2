"""Statements of each change and of the worker's cycles, run by the driver alone.

SQLAlchemy takes five times as long over a statement as SQLite does, and longer over each row. And
one statement of many rows releases the interpreter's lock once, where one for each row would wait
for it each time beside a busy event loop. A query is `Prepared`; what writes is text, for `run`,
or `Change.insert`.
"""

from collections import namedtuple
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, Table, UpdateBase
from sqlalchemy.engine.interfaces import DBAPIModule
from sqlalchemy.exc import DBAPIError

Values: TypeAlias = tuple[str | int | float | None, ...]
"""A row's values as the database keeps them."""

_MAX_VALUES = 30_000
"""In one statement. SQLite takes 32,766, PostgreSQL 65,535."""


class Prepared:
    """A statement that is compiled once for each kind of database."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | UpdateBase) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, dict[str, Any], Callable[[Any], Any]]] = {}

    def rows(self, connection: Connection, **values: str | float | None) -> list[Any]:
        """Run it with values as the database keeps them; return the rows, named tuples."""
        text, constants, make_row = self._compiled_for(connection)
        return list(map(make_row, _run(connection, text, constants | values)))

    def each(self, connection: Connection, **values: str | float | None) -> Generator[Any]:
        """Run it; yield the rows. SQLite finds each when it is asked for. To be closed."""
        text, constants, make_row = self._compiled_for(connection)
        driver: Any = connection.connection.dbapi_connection
        try:
            with closing(driver.execute(text, constants | values)) as cursor:
                yield from map(make_row, cursor)
        except connection.dialect.loaded_dbapi.Error as error:
            raise _explained(connection, text, error) from error

    def _compiled_for(
        self, connection: Connection
    ) -> tuple[str, dict[str, Any], Callable[[Any], Any]]:
        dialect = connection.dialect
        if (found := self._compiled.get(dialect.name)) is None:
            found = self._compiled[dialect.name] = _compile(self._statement, dialect)
        return found

    def first(self, connection: Connection, **values: str | float | None) -> Any:  # noqa: ANN401 - a named tuple
        """Run it; return the first row, or None."""
        rows = self.rows(connection, **values)
        return rows[0] if rows else None


def _compile(
    statement: Select[*tuple[Any, ...]] | UpdateBase,
    dialect: Any,  # noqa: ANN401 - Dialect does not declare what makes one
) -> tuple[str, dict[str, Any], Callable[[Any], Any]]:
    """Return its text, the values that are part of it by their names, and what makes its rows."""
    if dialect.paramstyle == "qmark":
        dialect = type(dialect)(paramstyle="named")
    compiled: Any = statement.compile(dialect=dialect)
    constants = {}
    for name, parameter in compiled.binds.items():
        if not parameter.required:
            encode = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            value = parameter.value
            constants[name] = value if value is None or encode is None else encode(value)
    columns = list(statement.exported_columns)
    names = [str(column.key) for column in columns]
    row = namedtuple("row", names, rename=True)  # type: ignore[misc]
    decoders = [
        (place, decode)
        for place, column in enumerate(columns)
        if (decode := column.type.dialect_impl(dialect).result_processor(dialect, None))
    ]
    if not decoders:
        return str(compiled), constants, row._make

    def make_row(values: Sequence[Any]) -> Any:  # noqa: ANN401 - a named tuple
        decoded = list(values)
        for place, decode in decoders:
            decoded[place] = decode(decoded[place])
        return row._make(decoded)

    return str(compiled), constants, make_row


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
    most = _MAX_VALUES // len(value)
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
        raise _explained(connection, statement, error) from error


def _explained(connection: Connection, statement: str, error: DBAPIModule.Error) -> DBAPIError:
    driver: Any = connection.connection.dbapi_connection
    is_lost = connection.dialect.is_disconnect(error, driver, None)
    if is_lost:
        connection.invalidate(error)
    return DBAPIError(statement, None, error, connection_invalidated=is_lost)
