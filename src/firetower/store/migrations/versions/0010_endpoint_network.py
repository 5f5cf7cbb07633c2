"""Endpoints have a proxy and CA certificates of their own; workers tell what they lack."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TABLE endpoints ADD COLUMN proxy VARCHAR")
    op.execute("ALTER TABLE endpoints ADD COLUMN ca_file VARCHAR")
    op.execute("ALTER TABLE workers ADD COLUMN problem TEXT")
