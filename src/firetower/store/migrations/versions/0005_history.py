"""What finds the past by time, and an event's executions."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_events_recorded", "events", ["recorded_at"])
    op.create_index("ix_executions_event", "executions", ["event_id"])
