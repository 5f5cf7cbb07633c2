"""Since when endpoints fail, what became of circuits, and the index of what has been tried."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TRIED = sa.text("status = 'pending' AND attempts > 0")


def upgrade() -> None:
    # Since when an endpoint fails is not known of one whose circuit is shut: it counts anew.
    op.execute("DELETE FROM circuits WHERE opened_at IS NULL")
    op.add_column(
        "circuits", sa.Column("failing_since", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("UPDATE circuits SET failing_since = opened_at")
    op.create_table(
        "circuit_changes",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("integration_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("probe_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["integration_id"], ["integrations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_executions_tried",
        "executions",
        ["integration_id", "due_at"],
        unique=False,
        sqlite_where=TRIED,
        postgresql_where=TRIED,
    )
