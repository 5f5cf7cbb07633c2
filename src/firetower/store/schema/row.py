"""What all tables share."""

from pydantic import ConfigDict
from sqlmodel import SQLModel


class TableRow(SQLModel):
    """A table's row; its validator is never built, for rows are read and written by column."""

    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment]
