"""Versions have a description, and their edits are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.execute("ALTER TABLE versions ADD COLUMN description VARCHAR")
    op.create_table(
        "version_changes",
        sa.Column("id", ID, primary_key=True),
        sa.Column("version_id", ID, sa.ForeignKey("versions.id"), nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("field", sa.String, nullable=False),
        sa.Column("old_json", sa.Text),
        sa.Column("new_json", sa.Text),
    )
    op.create_index("ix_version_changes_version_id", "version_changes", ["version_id"])
