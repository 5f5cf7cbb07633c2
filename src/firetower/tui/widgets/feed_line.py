"""Lines of the feed: executions, and changes of circuits."""

from datetime import datetime
from typing import NamedTuple

from firetower.core.circuit_breaker import CircuitChangeKind
from firetower.core.executions import Execution, ExecutionState, Status
from firetower.core.feed import CircuitLine, FeedEntry
from firetower.tui.text import clock, milliseconds
from firetower.tui.widgets.table import Cell, Column, Row

FEED_COLUMNS = (
    Column("time", 8),
    Column("state", 10),
    Column("automation", 14, flex=1),
    Column("event", 14, from_width=110),
    Column("subject", 24, flex=4),
    Column("answer", 12, flex=6),
)

TONES = {
    ExecutionState.FINISHED: "ok",
    ExecutionState.FAILED: "bad",
    ExecutionState.RETRYING: "warn",
    ExecutionState.QUEUED: "warn",
    ExecutionState.SKIPPED: "dim",
    ExecutionState.RUNNING: "accent",
    ExecutionState.PENDING: "dim",
}


class CircuitKey(NamedTuple):
    """The key of a circuit's line."""

    after: int
    """The id of the execution before it."""
    id: int
    """Of the change."""
    endpoint: str


def entry_row(entry: FeedEntry, now: datetime) -> Row:
    """Return any entry of the feed as a row."""
    return circuit_row(entry, now) if isinstance(entry, CircuitLine) else feed_row(entry, now)


def circuit_row(line: CircuitLine, now: datetime) -> Row:
    """Return a change of a circuit as a row: the time, and one sentence beside it."""
    change = line.change
    sentence = f"{change.glyph} {change.describe(lambda moment: clock(moment, now))}"
    tone = "ok" if change.kind is CircuitChangeKind.CLOSED else "warn"
    key = CircuitKey(line.after, change.id, change.endpoint)
    return Row(key, (Cell(clock(change.at, now), "dim"), Cell(sentence, tone)))


def feed_row(execution: Execution, now: datetime) -> Row:
    """Return an execution as a row of the feed."""
    state, event = execution.state, execution.event
    tone = TONES[state]
    cells = (
        Cell(clock(execution.created_at, now), "dim"),
        Cell(f"{state.glyph} {state.value}", tone),
        Cell(execution.automation),
        Cell(event.type.spec.label, "dim"),
        Cell(f"{event.subject} {event.detail}".rstrip()),
        Cell(_answer(execution, now), tone if state is ExecutionState.FAILED else "dim"),
    )
    return Row(execution.id, cells)


def _answer(execution: Execution, now: datetime) -> str:
    """Return the answer or the reason: "202  34 ms", "503, again 12:04:36"."""
    code = "" if execution.status_code is None else str(execution.status_code)
    if execution.status is Status.FINISHED:
        return f"{code}  {milliseconds(execution.duration_ms)}".strip() or "recorded"
    why = execution.describe(lambda moment: clock(moment, now))
    return why if code and why.startswith(code) else f"{code}  {why}".strip()
