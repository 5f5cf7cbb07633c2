"""Endpoints, attempts and heartbeats under the names that the program uses."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.drop_index("uq_integrations_name", "integrations")
    op.rename_table("integrations", "endpoints")
    op.execute("CREATE UNIQUE INDEX uq_endpoints_name ON endpoints (name) WHERE deleted_at IS NULL")
    # Plain ALTER TABLE: Alembic's batch mode would copy a table of a million executions.
    for table in ("executions", "revisions", "circuits", "circuit_changes"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN integration_id TO endpoint_id")
    for table, old, new in (
        ("workers", "beat_at", "heartbeat_at"),
        ("attempts", "next_try_at", "next_attempt_at"),
        ("executions", "reason", "detail"),
        ("executions", "due_at", "next_attempt_at"),
    ):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    op.execute("UPDATE state SET key = 'endpoints_version' WHERE key = 'integrations_stamp'")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER SEQUENCE integrations_id_seq RENAME TO endpoints_id_seq")
        rename_constraints()
    drop_default()
    split_reasons()
    rename_in_definitions()


def rename_constraints() -> None:
    """Give constraints the names that PostgreSQL chooses for those of a new database."""
    query = (
        "SELECT conrelid::regclass, conname FROM pg_constraint"
        " WHERE connamespace = current_schema()::regnamespace AND conrelid <> 0"
    )
    for table, name in op.get_bind().exec_driver_sql(query).all():
        new = name.replace("integration", "endpoint").replace("workers_beat", "workers_heartbeat")
        if new != name:
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {name} TO {new}")


def drop_default() -> None:
    """Drop the default that filled `failing_since` when schema 0006 added the column."""
    with op.batch_alter_table("circuits") as circuits:
        circuits.alter_column("failing_since", server_default=None)
        if op.get_bind().dialect.name == "sqlite":
            # The table is copied, and not every version of SQLAlchemy finds its check.
            circuits.create_check_constraint(
                "open_is_probed", "(opened_at IS NULL) = (probe_at IS NULL)"
            )


SKIP_REASONS = ("cooldown", "shadow", "loop", "endpoint_disabled", "endpoint_deleted")


def split_reasons() -> None:
    """Give a column of its own to each meaning that `reason` and `due_at` had."""
    allowed = ", ".join(f"'{reason}'" for reason in SKIP_REASONS)
    known = f"CONSTRAINT known_skip_reason CHECK (skip_reason IN ({allowed}))"
    skipped = "CONSTRAINT skipped_has_reason CHECK (skip_reason IS NULL OR status = 'skipped')"
    op.execute(f"ALTER TABLE executions ADD COLUMN skip_reason VARCHAR {known} {skipped}")
    op.execute("ALTER TABLE executions ADD COLUMN cooldown_until BIGINT")
    op.execute("ALTER TABLE executions ADD COLUMN redelivery_requested_at BIGINT")
    find = "strpos" if op.get_bind().dialect.name == "postgresql" else "instr"

    def rest_after(start: str) -> str:
        """Return the detail that follows a part of the old reason, or NULL."""
        place = f"{find}(detail, '{start}')"
        return f"CASE WHEN {place} > 0 THEN substr(detail, {place} + {len(start)}) END"

    for reason, pattern, values in (
        ("cooldown", "cooldown", "cooldown_until = next_attempt_at, detail = NULL"),
        ("shadow", "shadow", "detail = NULL"),
        ("loop", "loop: %", f"detail = {rest_after('loop: ')}"),
        ("endpoint_deleted", "the endpoint was deleted", "detail = NULL"),
        (
            "endpoint_disabled",
            "endpoint % is disabled%",
            f"detail = {rest_after(' is disabled: ')}",
        ),
    ):
        op.execute(
            f"UPDATE executions SET skip_reason = '{reason}', next_attempt_at = NULL, {values}"  # noqa: S608
            f" WHERE status = 'skipped' AND detail LIKE '{pattern}'"
        )
    op.execute(
        "UPDATE executions SET redelivery_requested_at = next_attempt_at, detail = NULL"
        " WHERE status IN ('pending', 'running') AND detail = 'redelivery'"
    )


def rename_in_definitions() -> None:
    """Rename the key of the endpoint in the JSON of every revision's action."""
    connection = op.get_bind()
    revisions = sa.table("revisions", sa.column("id"), sa.column("definition"))
    rows = connection.execute(sa.select(revisions.c.id, revisions.c.definition)).all()
    changed = []
    for number, written in rows:
        definition = json.loads(written)
        action = definition["action"]
        if "integration" in action:
            action["endpoint"] = action.pop("integration")
            changed.append({"number": number, "written": json.dumps(definition)})
    if changed:
        update = revisions.update().where(revisions.c.id == sa.bindparam("number"))
        connection.execute(update.values(definition=sa.bindparam("written")), changed)
