"""Executions as lines: what each column of the feed says. And what became of circuits."""

from datetime import datetime
from typing import NamedTuple

from firetower.core.circuit_breaker import Turn
from firetower.core.executions import HELD, Execution, Status
from firetower.core.feed import FeedState, Line, Told, line_of
from firetower.tui.text import clock, day_or_time, milliseconds
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
    FeedState.FINISHED: "ok",
    FeedState.FAILED: "bad",
    FeedState.RETRYING: "warn",
    FeedState.SKIPPED: "dim",
    FeedState.RUNNING: "accent",
    FeedState.PENDING: "dim",
}


class NewsKey(NamedTuple):
    """What stands for a circuit's line: its place, its number, and the endpoint."""

    after: int
    number: int
    endpoint: str


def line_row(line: Line, now: datetime) -> Row:
    """Return any line of the feed."""
    return news_row(line, now) if isinstance(line, Told) else feed_row(line, now)


def news_row(told: Told, now: datetime) -> Row:
    """Return what became of a circuit as a line of the feed: beside the time, one sentence."""
    news = told.news
    said = f"{news.glyph} {news.words(lambda moment: clock(moment, now))}"
    return Row(
        NewsKey(told.after, news.id, news.endpoint),
        (
            Cell(day_or_time(news.at, now), "dim"),
            Cell(said, "ok" if news.turn is Turn.CLOSED else "warn"),
        ),
    )


def feed_row(execution: Execution, now: datetime) -> Row:
    """Return an execution as a line of the feed."""
    line, event = line_of(execution), execution.event
    tone = TONES[line.state]
    return Row(
        execution.id,
        (
            Cell(day_or_time(execution.created_at, now), "dim"),
            Cell(f"{line.state.glyph} {line.state.value}", tone),
            Cell(execution.automation),
            Cell(event.type.spec.label, "dim"),
            Cell(f"{event.subject} {event.detail}".rstrip()),
            Cell(
                _answer(execution, line.state, now), tone if line.state.value == "failed" else "dim"
            ),
        ),
    )


def _answer(execution: Execution, state: FeedState, now: datetime) -> str:
    """Return what came of it: "202  34 ms", "503, again 12:04:36", "cooldown until 12:10"."""
    due = "" if execution.due_at is None else clock(execution.due_at, now)
    code = "" if execution.status_code is None else str(execution.status_code)
    if execution.reason == HELD:
        return f"{code}  held until {due}".strip()  # whole, the reason would be cut off here
    if state is FeedState.RETRYING:
        return f"{code or execution.reason or 'no answer'}, again {due}"
    if execution.status is Status.FINISHED:
        return f"{code}  {milliseconds(execution.duration_ms)}".strip() or "recorded"
    if execution.status.is_final:
        why = execution.explanation(due)
        return f"{code}  {why}".strip()
    return ""
