"""Projects have runs, with metrics, artifacts and events of their own."""

import sqlalchemy as sa
from alembic import op

from firetower.store.migrations.sqlite import replace_in_schema

revision = "0011"
down_revision = "0010"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
STATES = "state IN ('running', 'finished', 'failed', 'crashed', 'killed')"


def upgrade() -> None:
    create_runs()
    create_metrics()
    op.create_table(
        "run_artifacts",
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("version_id", ID, sa.ForeignKey("versions.id"), primary_key=True),
        sa.Column("used", sa.Boolean, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_run_artifacts_version", "run_artifacts", ["version_id"])
    op.create_table(
        "run_watches",
        sa.Column("automation_id", ID, sa.ForeignKey("automations.id"), primary_key=True),
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("revision_id", ID, sa.ForeignKey("revisions.id"), nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("began_at", sa.BigInteger),
        sa.Column("skipped", sa.Integer, nullable=False),
    )
    let_events_have_runs()


def create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", ID, primary_key=True),
        sa.Column("project_id", ID, sa.ForeignKey("containers.id"), nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("run_id", "name", "author")),
        *(sa.Column(name, sa.String, nullable=False) for name in ("state", "group_name")),
        sa.Column("job_type", sa.String, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        *(sa.Column(f"{name}_json", sa.Text, nullable=False) for name in ("tags", "config")),
        sa.Column("summary_json", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("exit_code", sa.Integer),
        sa.Column("last_step", ID),
        sa.UniqueConstraint("project_id", "run_id"),
        sa.CheckConstraint(STATES, name="known_state"),
    )
    op.create_index("ix_runs_started", "runs", ["project_id", "started_at"])
    op.execute("CREATE INDEX ix_runs_running ON runs (heartbeat_at) WHERE state = 'running'")


def create_metrics() -> None:
    op.create_table(
        "run_metrics",
        sa.Column("id", ID, primary_key=True),
        sa.Column("run_id", ID, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("last_step", ID, nullable=False),
        sa.Column("last_value", sa.Double),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("count", ID, nullable=False),
        sa.Column("evaluated_step", ID),
        sa.Column("pending", sa.Boolean, nullable=False),
        sa.UniqueConstraint("run_id", "name"),
    )
    is_pending = "true" if op.get_bind().dialect.name == "postgresql" else "1"
    op.execute(
        f"CREATE INDEX ix_run_metrics_pending ON run_metrics (id) WHERE pending = {is_pending}"
    )
    op.create_table(
        "metric_points",
        sa.Column("run_metric_id", ID, sa.ForeignKey("run_metrics.id"), primary_key=True),
        sa.Column("step", ID, primary_key=True),
        sa.Column("value", sa.Double),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def let_events_have_runs() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        replace_in_schema("events", {"collection_id INTEGER NOT NULL": "collection_id INTEGER"})
    else:
        op.execute("ALTER TABLE events ALTER COLUMN collection_id DROP NOT NULL")
    id_type = "INTEGER" if is_sqlite else "BIGINT"
    op.execute(f"ALTER TABLE events ADD COLUMN run_id {id_type} REFERENCES runs (id)")
    op.execute(f"ALTER TABLE events ADD COLUMN container_id {id_type} REFERENCES containers (id)")
    op.execute("ALTER TABLE events ADD COLUMN run_json TEXT")
    op.execute("ALTER TABLE events ADD COLUMN metric_json TEXT")
    op.execute("CREATE INDEX ix_events_run ON events (run_id) WHERE run_id IS NOT NULL")
    of_one = "CONSTRAINT of_one CHECK ((collection_id IS NULL) = (run_id IS NOT NULL))"
    with_project = "CONSTRAINT run_has_project CHECK ((run_id IS NULL) = (container_id IS NULL))"
    if is_sqlite:
        last = "metric_json TEXT"
        replace_in_schema("events", {last: f"{last}, {of_one}, {with_project}"})
    else:
        op.execute(f"ALTER TABLE events ADD {of_one}, ADD {with_project}")
