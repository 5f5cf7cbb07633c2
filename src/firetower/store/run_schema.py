"""Tables of runs and of the values of their metrics."""

from datetime import datetime

from sqlalchemy import Double, Index, Text, UniqueConstraint
from sqlmodel import Field

from firetower.core.runs import RunState
from firetower.store.columns import Id, Instant, NumberedRow, TableRow, one_of, partial_index, table


class RunRow(NumberedRow, table=True):
    """A run of a project."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("project_id", "run_id"),
        one_of("state", RunState),
        Index("ix_runs_started", "project_id", "started_at"),
        partial_index("ix_runs_running", "heartbeat_at", where="state = 'running'"),
    )

    project_id: int = Field(foreign_key="containers.id", sa_type=Id)
    run_id: str
    name: str
    author: str
    state: str
    group_name: str
    job_type: str
    notes: str = Field(sa_type=Text)
    host: str
    tags_json: str = Field(sa_type=Text)
    config_json: str = Field(sa_type=Text)
    summary_json: str = Field(sa_type=Text)
    started_at: datetime = Field(sa_type=Instant)
    heartbeat_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    exit_code: int | None = None
    last_step: int | None = Field(default=None, sa_type=Id)


class RunMetricRow(NumberedRow, table=True):
    """A metric of a run, with its newest value."""

    __tablename__ = "run_metrics"
    __table_args__ = (
        UniqueConstraint("run_id", "name"),
        partial_index(
            "ix_run_metrics_pending", "id", where="pending = 1", postgresql="pending = true"
        ),
    )

    run_id: int = Field(foreign_key="runs.id", sa_type=Id)
    name: str
    last_step: int = Field(sa_type=Id)
    last_value: float | None = Field(default=None, sa_type=Double)
    """At the largest step; NULL for not-a-number, which SQLite does not have."""
    last_at: datetime = Field(sa_type=Instant)
    count: int = Field(sa_type=Id)
    evaluated_step: int | None = Field(default=None, sa_type=Id)
    """The largest step that was evaluated."""
    pending: bool = False
    """Whether points have changed since the evaluation."""


class MetricPointRow(TableRow, table=True):
    """One value of a metric."""

    __tablename__ = "metric_points"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_metric_id: int = Field(primary_key=True, foreign_key="run_metrics.id", sa_type=Id)
    step: int = Field(primary_key=True, sa_type=Id)
    value: float | None = Field(default=None, sa_type=Double)
    """NULL for not-a-number."""
    at: datetime = Field(sa_type=Instant)


class RunArtifactRow(TableRow, table=True):
    """A version that a run logged or used."""

    __tablename__ = "run_artifacts"
    __table_args__ = (Index("ix_run_artifacts_version", "version_id"),)

    run_id: int = Field(primary_key=True, foreign_key="runs.id", sa_type=Id)
    version_id: int = Field(primary_key=True, foreign_key="versions.id", sa_type=Id)
    used: bool = Field(primary_key=True)
    """Whether the run used it, or logged it."""
    at: datetime = Field(sa_type=Instant)


class RunWatchRow(TableRow, table=True):
    """The state of an automation's condition on a metric of one run."""

    __tablename__ = "run_watches"

    automation_id: int = Field(primary_key=True, foreign_key="automations.id", sa_type=Id)
    run_id: int = Field(primary_key=True, foreign_key="runs.id", sa_type=Id)
    revision_id: int = Field(foreign_key="revisions.id", sa_type=Id)
    held: bool
    """Whether its condition held at the newest evaluated point."""
    began_at: datetime | None = Field(default=None, sa_type=Instant)
    """When its cooldown for the run last began."""
    skipped: int = 0
    """How often its condition began to hold since, within the cooldown."""


runs = table(RunRow)
run_metrics = table(RunMetricRow)
metric_points = table(MetricPointRow)
run_artifacts = table(RunArtifactRow)
run_watches = table(RunWatchRow)
