"""What the tables share: rows, constraints and indexes."""

from enum import StrEnum

from pydantic import ConfigDict
from sqlalchemy import CheckConstraint, Index, Table, text
from sqlmodel import Field, SQLModel

from firetower.store.types import Id


class TableRow(SQLModel):
    """A table's row; its validator is never built, for rows are read and written by column."""

    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment]


class NumberedRow(TableRow):
    """A row that the database numbers."""

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """Allow only the values of an enumeration in a column."""
    allowed = ", ".join(f"'{choice.value}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({allowed})", name=f"known_{column}")


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Index only the rows for which a condition holds."""
    only = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=only, postgresql_where=only)


def table(row: type[TableRow]) -> Table:
    """Return the table of a class of rows."""
    return SQLModel.metadata.tables[str(row.__tablename__)]
