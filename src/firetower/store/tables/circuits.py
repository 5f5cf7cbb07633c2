"""The table of circuits."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field

from firetower.store.tables.row import TableRow
from firetower.store.types import Id, Instant


class CircuitRow(TableRow, table=True):
    """An endpoint that failed last. One that works has no row, so that success writes nothing."""

    __tablename__ = "circuits"
    __table_args__ = (
        CheckConstraint("(opened_at IS NULL) = (probe_at IS NULL)", name="open_is_probed"),
    )

    integration_id: int = Field(primary_key=True, foreign_key="integrations.id", sa_type=Id)
    failures: int
    """In a row."""
    opened_at: datetime | None = Field(default=None, sa_type=Instant)
    probe_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the next probe may go; while one is under way, the end of its lease."""
    probes: int = 0
    """Probes in vain since it opened."""
    reason: str = Field(default="", sa_type=Text)
