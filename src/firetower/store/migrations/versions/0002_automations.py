"""Automations, integrations, executions and workers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "automations",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("cooldown_began_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_automations_name",
        "automations",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "secrets",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("ciphertext", sa.Text(), nullable=False),
        sa.Column("previous_ciphertext", sa.Text(), nullable=True),
        sa.Column("previous_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "state",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "integrations",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("url_secret_id", ID, nullable=True),
        sa.Column("access_token_secret_id", ID, nullable=True),
        sa.Column("signing_secret_id", ID, nullable=True),
        sa.Column("signature_encoding", sa.String(), nullable=False),
        sa.Column("schedule_ms", sa.Text(), nullable=False),
        sa.Column("timeout_ms", sa.Integer(), nullable=False),
        sa.Column("max_in_flight", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(kind = 'webhook') = (url IS NOT NULL)", name="webhook_has_url"),
        sa.CheckConstraint(
            "kind <> 'slack' OR url_secret_id IS NOT NULL OR deleted_at IS NOT NULL",
            name="slack_has_secret",
        ),
        sa.CheckConstraint("kind IN ('webhook', 'slack')", name="known_kind"),
        sa.CheckConstraint(
            "signature_encoding IN ('base64', 'hex')", name="known_signature_encoding"
        ),
        sa.CheckConstraint("max_in_flight > 0 AND timeout_ms > 0", name="positive_limits"),
        sa.ForeignKeyConstraint(
            ["access_token_secret_id"],
            ["secrets.id"],
        ),
        sa.ForeignKeyConstraint(
            ["signing_secret_id"],
            ["secrets.id"],
        ),
        sa.ForeignKeyConstraint(
            ["url_secret_id"],
            ["secrets.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_integrations_name",
        "integrations",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "revisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("automation_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("after_event_id", ID, nullable=False),
        sa.Column("until_event_id", ID, nullable=True),
        sa.Column("container_id", ID, nullable=False),
        sa.Column("collection_id", ID, nullable=True),
        sa.Column("integration_id", ID, nullable=True),
        sa.CheckConstraint(
            "mode IN ('enabled', 'disabled', 'shadow', 'deleted')", name="known_mode"
        ),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["automations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
        ),
        sa.ForeignKeyConstraint(
            ["container_id"],
            ["containers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["integration_id"],
            ["integrations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("automation_id", "number"),
    )
    op.create_index(op.f("ix_revisions_container_id"), "revisions", ["container_id"], unique=False)
    op.create_index(
        "uq_revisions_current",
        "revisions",
        ["automation_id"],
        unique=True,
        sqlite_where=sa.text("until_event_id IS NULL"),
        postgresql_where=sa.text("until_event_id IS NULL"),
    )
    op.create_table(
        "executions",
        sa.Column("id", ID, nullable=False),
        sa.Column("webhook_id", sa.String(), nullable=False),
        sa.Column("automation_id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("integration_id", ID, nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retries_used", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("request_body", sa.Text(), nullable=True),
        sa.CheckConstraint("(status = 'running') = (lease_until IS NOT NULL)", name="leased"),
        sa.CheckConstraint("status <> 'pending' OR due_at IS NOT NULL", name="pending_is_due"),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'finished', 'failed', 'skipped')", name="known_status"
        ),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["automations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
        ),
        sa.ForeignKeyConstraint(
            ["integration_id"],
            ["integrations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["revisions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("automation_id", "event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_executions_due",
        "executions",
        ["integration_id", "due_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_executions_failed",
        "executions",
        ["finished_at"],
        unique=False,
        sqlite_where=sa.text("status = 'failed'"),
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.create_index(
        "ix_executions_leased",
        "executions",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", ID, nullable=False),
        sa.Column("execution_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.Float(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("request_headers", sa.Text(), nullable=False),
        sa.Column("request_body", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("response_body", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("execution_id", "number"),
        sqlite_autoincrement=True,
    )
    state = sa.table("state", sa.column("key"), sa.column("value"))
    op.bulk_insert(state, [{"key": "integrations_stamp", "value": "0"}])
