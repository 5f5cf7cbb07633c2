"""Tables of executions, attempts and workers. The executions table is the queue."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from firetower.core.executions import SkipReason, Status
from firetower.store.schema.checks import one_of
from firetower.store.schema.row import TableRow
from firetower.store.types import Id, Instant


def _index_of(status: Status, name: str, *columns: str) -> Index:
    """Index only the rows of one status, so that history costs the queue nothing."""
    only = text(f"status = '{status.value}'")
    return Index(name, *columns, sqlite_where=only, postgresql_where=only)


_TRIED = text("status = 'pending' AND attempts > 0")
_MISSED = text("status IN ('failed', 'skipped')")


class ExecutionRow(TableRow, table=True):
    """One automation fired by one event: the key allows no second."""

    __tablename__ = "executions"
    __table_args__ = (
        UniqueConstraint("automation_id", "event_id"),
        one_of("status", Status),
        CheckConstraint("(status = 'running') = (lease_until IS NOT NULL)", name="leased"),
        one_of("skip_reason", SkipReason),
        CheckConstraint(
            "status <> 'pending' OR next_attempt_at IS NOT NULL", name="pending_is_due"
        ),
        CheckConstraint("skip_reason IS NULL OR status = 'skipped'", name="skipped_has_reason"),
        Index("ix_executions_event", "event_id"),
        _index_of(Status.PENDING, "ix_executions_due", "endpoint_id", "next_attempt_at"),
        Index(
            "ix_executions_tried",
            "endpoint_id",
            "next_attempt_at",
            sqlite_where=_TRIED,
            postgresql_where=_TRIED,
        ),
        _index_of(Status.RUNNING, "ix_executions_leased", "lease_until"),
        _index_of(Status.FAILED, "ix_executions_failed", "finished_at"),
        Index(
            "ix_executions_missed",
            "endpoint_id",
            "finished_at",
            sqlite_where=_MISSED,
            postgresql_where=_MISSED,
        ),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    webhook_id: str
    automation_id: int = Field(foreign_key="automations.id", sa_type=Id)
    revision_id: int = Field(foreign_key="revisions.id", sa_type=Id)
    event_id: int = Field(foreign_key="events.id", sa_type=Id)
    endpoint_id: int | None = Field(default=None, foreign_key="endpoints.id", sa_type=Id)
    status: str
    skip_reason: str | None = None
    detail: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    next_attempt_at: datetime | None = Field(default=None, sa_type=Instant)
    """Of a running one: when it became due."""
    cooldown_until: datetime | None = Field(default=None, sa_type=Instant)
    redelivery_requested_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    attempts: int = 0
    """Attempts begun; the number of the newest fences off a worker that lost its lease."""
    retries_used: int = 0
    """Waits of the schedule used; a redelivery starts from the beginning."""
    worker_id: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    status_code: int | None = None
    duration_ms: float | None = None
    request_body: str | None = Field(default=None, sa_type=Text)


class AttemptRow(TableRow, table=True):
    """One HTTP request, with secrets masked."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("execution_id", "number"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    execution_id: int = Field(foreign_key="executions.id", sa_type=Id)
    number: int
    started_at: datetime = Field(sa_type=Instant)
    duration_ms: float
    url: str
    request_headers: str = Field(sa_type=Text)
    request_body: str = Field(sa_type=Text)
    status_code: int | None = None
    response_body: str = Field(sa_type=Text)
    error: str | None = Field(default=None, sa_type=Text)
    outcome: str
    """The execution's status after this attempt."""
    next_attempt_at: datetime | None = Field(default=None, sa_type=Instant)


class WorkerRow(TableRow, table=True):
    """A worker, with its newest heartbeat."""

    __tablename__ = "workers"

    id: str = Field(primary_key=True)
    host: str
    pid: int
    started_at: datetime = Field(sa_type=Instant)
    heartbeat_at: datetime = Field(sa_type=Instant)


class StateRow(TableRow, table=True):
    """Single facts about the database."""

    __tablename__ = "state"

    key: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)
