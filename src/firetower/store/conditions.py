"""Conditions written as the partial indexes write them: for any other form none is chosen."""

from sqlalchemy import ColumnElement, false, literal_column, text

from firetower.core.executions import Status
from firetower.store import schema

UNEVALUATED = schema.events.c.evaluated == false()
"""The event waits for its evaluation. Written `IS 0`, SQLite would read the whole history."""

TRIED = text("executions.status = 'pending' AND executions.attempts > 0")
"""The execution waits for a retry, also while a circuit is open."""

UNTRIED = text("executions.status = 'pending' AND executions.attempts = 0")
"""The execution waits for its first attempt: an open circuit queues it."""

WAS_MISSED = text("executions.status IN ('failed', 'skipped')")
"""The execution ended without the endpoint having taken it."""


def has_status(status: Status) -> ColumnElement[bool]:
    """Return the condition on an execution's status, the status written out."""
    return schema.executions.c.status == literal_column(f"'{status.value}'")
