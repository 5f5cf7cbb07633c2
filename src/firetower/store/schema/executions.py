"""Tables of executions, attempts, circuits and workers. The executions table is the queue."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from firetower.core.executions import SkipReason, Status
from firetower.store.row import NumberedRow, TableRow, one_of, partial_index
from firetower.store.types import Id, Instant

_DUE, _ENDED = ("endpoint_id", "next_attempt_at"), ("endpoint_id", "finished_at")


class ExecutionRow(NumberedRow, table=True):
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
        partial_index("ix_executions_due", *_DUE, where="status = 'pending'"),
        partial_index("ix_executions_tried", *_DUE, where="status = 'pending' AND attempts > 0"),
        partial_index("ix_executions_leased", "lease_until", where="status = 'running'"),
        partial_index("ix_executions_failed", "finished_at", where="status = 'failed'"),
        partial_index("ix_executions_missed", *_ENDED, where="status IN ('failed', 'skipped')"),
        {"sqlite_autoincrement": True},
    )

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


class AttemptRow(NumberedRow, table=True):
    """One HTTP request, with secrets masked."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("execution_id", "number"), {"sqlite_autoincrement": True})

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


class CircuitChangeRow(NumberedRow, table=True):
    """A circuit that opened or closed, for those who follow the feed."""

    __tablename__ = "circuit_changes"
    __table_args__ = ({"sqlite_autoincrement": True},)

    endpoint_id: int = Field(foreign_key="endpoints.id", sa_type=Id)
    at: datetime = Field(sa_type=Instant)
    closed: bool
    opened_at: datetime = Field(sa_type=Instant)
    probe_at: datetime = Field(sa_type=Instant)
    failures: int
    reason: str = Field(sa_type=Text)
    waiting: int = 0
    """Queued executions that it released or began to hold back."""


class WorkerRow(TableRow, table=True):
    """A worker, with its newest heartbeat."""

    __tablename__ = "workers"

    id: str = Field(primary_key=True)
    host: str
    pid: int
    started_at: datetime = Field(sa_type=Instant)
    heartbeat_at: datetime = Field(sa_type=Instant)
    problem: str | None = Field(default=None, sa_type=Text)
    """What keeps it from sending."""
