"""Circuits, and the index of what an endpoint missed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MISSED = sa.text("status IN ('failed', 'skipped')")


def upgrade() -> None:
    op.create_table(
        "circuits",
        sa.Column("integration_id", ID, autoincrement=False, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("probe_at", sa.BigInteger(), nullable=True),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("(opened_at IS NULL) = (probe_at IS NULL)", name="open_is_probed"),
        sa.ForeignKeyConstraint(["integration_id"], ["integrations.id"]),
        sa.PrimaryKeyConstraint("integration_id"),
    )
    op.create_index(
        "ix_executions_missed",
        "executions",
        ["integration_id", "finished_at"],
        unique=False,
        sqlite_where=MISSED,
        postgresql_where=MISSED,
    )
