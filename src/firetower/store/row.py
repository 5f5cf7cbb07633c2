"""What the tables share: rows, constraints and indexes."""

from enum import StrEnum

from pydantic import ConfigDict
from sqlalchemy import CheckConstraint, Index, MetaData, Table, text
from sqlalchemy.ext.declarative import DeferredReflection
from sqlmodel import Field, SQLModel

from firetower.store.types import Id


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
