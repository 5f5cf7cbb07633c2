"""Endpoints, attempts and heartbeats under the names that the program uses."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ALIVE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    op.drop_index("uq_integrations_name", "integrations")
    op.rename_table("integrations", "endpoints")
    op.create_index(
        "uq_endpoints_name",
        "endpoints",
        ["name"],
        unique=True,
        sqlite_where=ALIVE,
        postgresql_where=ALIVE,
    )
    # Plain ALTER TABLE: Alembic's batch mode would copy a table of a million executions.
    for table, old, new in (
        ("executions", "integration_id", "endpoint_id"),
        ("revisions", "integration_id", "endpoint_id"),
        ("circuits", "integration_id", "endpoint_id"),
        ("circuit_changes", "integration_id", "endpoint_id"),
        ("workers", "beat_at", "heartbeat_at"),
        ("attempts", "next_try_at", "next_attempt_at"),
    ):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    op.execute("UPDATE state SET key = 'endpoints_stamp' WHERE key = 'integrations_stamp'")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX integrations_pkey RENAME TO endpoints_pkey")
        op.execute("ALTER SEQUENCE integrations_id_seq RENAME TO endpoints_id_seq")
    rename_in_definitions()


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
