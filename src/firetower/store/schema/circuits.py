"""Tables of circuits, and of what became of them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field

from firetower.store.schema.row import TableRow
from firetower.store.types import Id, Instant


class CircuitRow(TableRow, table=True):
    """An endpoint that failed last. One that works has no row, so that success writes nothing."""

    __tablename__ = "circuits"
    __table_args__ = (
        CheckConstraint("(opened_at IS NULL) = (probe_at IS NULL)", name="open_is_probed"),
    )

    endpoint_id: int = Field(primary_key=True, foreign_key="endpoints.id", sa_type=Id)
    failures: int
    """In a row."""
    failing_since: datetime = Field(sa_type=Instant)
    """When the first of them was recorded."""
    opened_at: datetime | None = Field(default=None, sa_type=Instant)
    probe_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the next probe may go; while one is under way, the end of its lease."""
    probes: int = 0
    """Failed probes since it opened."""
    reason: str = Field(default="", sa_type=Text)


class CircuitChangeRow(TableRow, table=True):
    """A circuit that opened or closed, for those who follow the feed."""

    __tablename__ = "circuit_changes"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    endpoint_id: int = Field(foreign_key="endpoints.id", sa_type=Id)
    at: datetime = Field(sa_type=Instant)
    closed: bool
    opened_at: datetime = Field(sa_type=Instant)
    probe_at: datetime = Field(sa_type=Instant)
    failures: int
    reason: str = Field(sa_type=Text)
    waiting: int = 0
    """Executions that were held and went out."""
