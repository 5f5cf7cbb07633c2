"""Column types, base classes of rows, constraints and indexes of the tables."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import ConfigDict
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
    text,
)
from sqlalchemy.ext.declarative import DeferredReflection
from sqlmodel import Field, SQLModel

MAX_INTEGER = 2**63 - 1
"""The largest whole number that a column or a limit takes."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Id(TypeDecorator[int]):
    """A row's number, a step or a count, of 64 bits: what is larger is `MAX_INTEGER`.

    SQLite numbers rows automatically only for INTEGER.
    """

    impl = BigInteger().with_variant(Integer, "sqlite")
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Write a number, or compare one."""
        return None if value is None else max(-MAX_INTEGER, min(value, MAX_INTEGER))


def bounded_limit(limit: int) -> int:
    """Return a limit as the databases take it; a negative one, which SQLite reads as none, is 0."""
    return max(0, min(limit, MAX_INTEGER))


def instant_number(moment: datetime) -> int:
    """Return a moment as an `Instant` column keeps it."""
    return (moment - EPOCH) // _MICROSECOND


def optional_number(moment: datetime | None) -> int | None:
    """Return a moment that may be missing as an `Instant` column keeps it."""
    return None if moment is None else instant_number(moment)


class Instant(TypeDecorator[datetime]):
    """A moment, kept as whole microseconds since 1970 in UTC: exact, ordered, compact."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Write a moment."""
        return optional_number(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Read a moment."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class TableRow(DeferredReflection, SQLModel):
    """A table's row; neither its mapper nor its validator is built.

    Rows are read and written by column.
    """

    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment]


class NumberedRow(TableRow):
    """A row that the database numbers."""

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """Allow only the values of an enumeration in a column."""
    allowed = ", ".join(f"'{choice.value}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({allowed})", name=f"known_{column}")


def partial_index(
    name: str, *columns: str, where: str, unique: bool = False, postgresql: str | None = None
) -> Index:
    """Index only the rows for which a condition holds, written the same on both databases or not.

    PostgreSQL's is added by `add_postgresql_conditions`: naming it here imports its whole dialect.
    """
    condition = {"postgresql": postgresql or where}
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info=condition)


def add_postgresql_conditions(tables: MetaData) -> None:
    """Let the partial indexes be partial on PostgreSQL too."""
    for index in (index for table in tables.tables.values() for index in table.indexes):
        if "postgresql" in index.info:
            index.dialect_options["postgresql"]["where"] = text(index.info["postgresql"])


def table(row: type[TableRow]) -> Table:
    """Return the table of a class of rows."""
    return SQLModel.metadata.tables[str(row.__tablename__)]
