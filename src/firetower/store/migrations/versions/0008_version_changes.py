"""Versions have a description, their edits are kept, and registries have `latest`."""

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
    op.execute(
        "INSERT INTO aliases (collection_id, alias, version_index) "
        "SELECT collection_id, 'latest', max(version_index) FROM memberships "
        "JOIN collections ON collections.id = collection_id "
        "JOIN containers ON containers.id = container_id "
        "WHERE kind = 'registry' AND NOT EXISTS (SELECT 1 FROM aliases "
        "WHERE aliases.collection_id = memberships.collection_id AND alias = 'latest') "
        "GROUP BY collection_id"
    )
