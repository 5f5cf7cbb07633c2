"""Tables of automations, endpoints, executions and attempts, and conditions on them.

Rows stay inside the store, which returns core models.
"""

from datetime import datetime
from importlib import import_module

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)
from sqlmodel import Field, SQLModel

from firetower.core.automations import Mode
from firetower.core.endpoints import EndpointKind, SignatureEncoding
from firetower.core.executions import SkipReason, Status
from firetower.store import catalog_schema
from firetower.store.columns import Id, Instant, NumberedRow, TableRow, one_of, partial_index, table


def _unique_name(index: str) -> Index:
    """Let the name of a deleted row be used again."""
    return partial_index(index, "name", unique=True, where="deleted_at IS NULL")


class SecretRow(NumberedRow, table=True):
    """A secret, encrypted."""

    __tablename__ = "secrets"

    name: str = Field(unique=True)
    ciphertext: str = Field(sa_type=Text)
    previous_ciphertext: str | None = Field(default=None, sa_type=Text)
    """The value before, which signatures still carry until `previous_until`."""
    previous_until: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class EndpointRow(NumberedRow, table=True):
    """An endpoint."""

    __tablename__ = "endpoints"
    __table_args__ = (
        _unique_name("uq_endpoints_name"),
        one_of("kind", EndpointKind),
        one_of("signature_encoding", SignatureEncoding),
        CheckConstraint("(kind = 'webhook') = (url IS NOT NULL)", name="webhook_has_url"),
        CheckConstraint(
            "kind <> 'slack' OR url_secret_id IS NOT NULL OR deleted_at IS NOT NULL",
            name="slack_has_secret",
        ),
        CheckConstraint("max_in_flight > 0 AND timeout_ms > 0", name="positive_limits"),
    )

    name: str
    kind: str
    url: str | None = None
    url_secret_id: int | None = Field(default=None, foreign_key="secrets.id", sa_type=Id)
    access_token_secret_id: int | None = Field(default=None, foreign_key="secrets.id", sa_type=Id)
    signing_secret_id: int | None = Field(default=None, foreign_key="secrets.id", sa_type=Id)
    signature_encoding: str
    schedule_ms: str = Field(sa_type=Text)
    """The waits after failures, a JSON list of milliseconds."""
    timeout_ms: int
    max_in_flight: int
    proxy: str | None = None
    """The URL of its own proxy, instead of the environment's."""
    ca_file: str | None = None
    """The path of the CA certificates that it is verified with, instead of the usual ones."""
    author: str
    created_at: datetime = Field(sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)
    disabled_reason: str | None = None
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class AutomationRow(NumberedRow, table=True):
    """An automation's identity; its revisions say what it does."""

    __tablename__ = "automations"
    __table_args__ = (_unique_name("uq_automations_name"),)

    name: str
    created_at: datetime = Field(sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    cooldown_began_at: datetime | None = Field(default=None, sa_type=Instant)


class RevisionRow(NumberedRow, table=True):
    """An automation as it was from one event to another."""

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("automation_id", "number"),
        one_of("mode", Mode),
        partial_index(
            "uq_revisions_current", "automation_id", unique=True, where="until_event_id IS NULL"
        ),
    )

    automation_id: int = Field(foreign_key="automations.id", sa_type=Id)
    number: int
    definition: str = Field(sa_type=Text)
    mode: str
    author: str
    saved_at: datetime = Field(sa_type=Instant)
    after_event_id: int = Field(sa_type=Id)
    until_event_id: int | None = Field(default=None, sa_type=Id)
    container_id: int = Field(foreign_key="containers.id", sa_type=Id, index=True)
    collection_id: int | None = Field(default=None, foreign_key="collections.id", sa_type=Id)
    endpoint_id: int | None = Field(default=None, foreign_key="endpoints.id", sa_type=Id)


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


aliases = catalog_schema.aliases
collection_tags = catalog_schema.collection_tags
collections = catalog_schema.collections
containers = catalog_schema.containers
events = catalog_schema.events
manifests = catalog_schema.manifests
memberships = catalog_schema.memberships
state = catalog_schema.state
version_changes = catalog_schema.version_changes
version_tags = catalog_schema.version_tags
versions = catalog_schema.versions

attempts = table(AttemptRow)
automations = table(AutomationRow)
circuit_changes = table(CircuitChangeRow)
circuits = table(CircuitRow)
executions = table(ExecutionRow)
endpoints = table(EndpointRow)
revisions = table(RevisionRow)
secrets = table(SecretRow)

# Written as the partial indexes write them: for any other form none is chosen.
UNEVALUATED = events.c.evaluated == false()
"""The event waits for its evaluation. Written `IS 0`, SQLite would read the whole history."""

TRIED = text("executions.status = 'pending' AND executions.attempts > 0")
"""The execution waits for a retry, also while a circuit is open."""

UNTRIED = text("executions.status = 'pending' AND executions.attempts = 0")
"""The execution waits for its first attempt: an open circuit queues it."""

WAS_MISSED = text("executions.status IN ('failed', 'skipped')")
"""The execution ended without the endpoint having taken it."""

FINAL = [status.value for status in Status if status.is_final]
"""The statuses of an execution that has ended."""


def all_tables() -> MetaData:
    """Return the tables with those of runs, workers and servers."""
    for name in ("run_schema", "worker_schema"):
        import_module(f"firetower.store.{name}")
    return SQLModel.metadata


def has_status(status: Status) -> ColumnElement[bool]:
    """Return the condition on an execution's status, the status written out."""
    return executions.c.status == literal_column(f"'{status.value}'")
