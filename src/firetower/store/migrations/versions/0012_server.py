"""Tokens, artifacts that are being uploaded, and servers."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", ID, primary_key=True),
        sa.Column("key_hash", sa.String, nullable=False, unique=True),
        sa.Column("user_name", sa.String, nullable=False),
        sa.Column("entity", sa.String, nullable=False),
        sa.Column("read_only", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
    )
    op.create_table(
        "uploads",
        sa.Column("id", ID, primary_key=True),
        sa.Column("artifact_key", sa.String, nullable=False, unique=True),
        sa.Column("client_id", sa.String),
        sa.Column("user_name", sa.String, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text),
        sa.Column("version_id", ID, sa.ForeignKey("versions.id")),
    )
    op.create_index("ix_uploads_client_id", "uploads", ["client_id"])
    op.create_index("ix_uploads_began_at", "uploads", ["began_at"])
    op.create_table(
        "servers",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger, nullable=False),
        sa.Column("unknown_fields", sa.Text, nullable=False),
    )
