"""Printing: data to stdout, messages to stderr."""

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from firetower.core.text import instant, visible

if TYPE_CHECKING:  # pydantic would delay the app's first paint
    from firetower.core.events import Event
    from firetower.core.feed import FeedLine

_LOGGED = (
    *("at", "state", "execution_id", "webhook_id", "automation", "endpoint", "attempt_count"),
    *("status_code", "duration_ms", "error", "skip_reason", "next_attempt_at"),
)
_GAP = "  "


def say(text: str) -> None:
    """Print a message to stderr."""
    click.echo(visible(text), err=True)


def print_json(*objects: Mapping[str, Any]) -> None:
    """Print each object on a line, at once."""
    from firetower.core.json import dump

    for one in objects:
        click.echo(dump(one))


def clock_or_date(moment: datetime) -> str:
    """Return the local time of day, or of another day the date and time."""
    local = moment.astimezone()
    is_today = local.date() == datetime.now(UTC).astimezone().date()
    return local.strftime("%H:%M:%S") if is_today else date(moment)


def date(moment: datetime | None) -> str:
    """Return the local date and time; "" for None."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")


def print_rows(headers: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table if the terminal is wide enough, else aligned columns; or say `empty`."""
    from rich.cells import cell_len

    cells = [[visible(str(cell)) for cell in row] for row in rows]
    if not cells:
        say(empty)
        return
    widths = [max(map(cell_len, column)) for column in zip(headers, *cells, strict=True)]
    needed = sum(widths) + 3 * len(widths) + 1
    if sys.stdout.isatty() and needed <= shutil.get_terminal_size().columns:
        _print_table(headers, cells)
        return
    for row in ([header.upper() for header in headers], *cells):
        padded = [
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        ]
        click.echo(_GAP.join(padded).rstrip())


def _print_table(headers: Sequence[str], cells: Iterable[Sequence[str]]) -> None:
    from rich.box import ROUNDED
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headers, box=ROUNDED, header_style="bold")
    for row in cells:
        table.add_row(*(Text(cell, no_wrap=True) for cell in row))
    Console(highlight=False).print(table)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print names and values on a line each, without those that are empty."""
    shown = [(name, visible(str(value))) for name, value in fields if value not in {None, ""}]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{name:<{width}}{_GAP}{value}")


def feed_text(line: "FeedLine") -> str:
    """Return a line of the feed."""
    from firetower.core.executions import Status

    execution, event = line.execution, line.execution.event
    code = "" if execution.status_code is None else str(execution.status_code)
    why = "" if execution.status is Status.FINISHED else execution.describe(clock_or_date)
    parts = [
        clock_or_date(line.at),
        f"{execution.state.glyph} {execution.state.value:<8}",
        execution.automation,
        event.type.spec.label,
        f"{event.subject} {event.detail}".rstrip(),
        code,
        "" if execution.duration_ms is None else f"{execution.duration_ms:,.0f} ms",
        why.removeprefix(f"{code}, "),
    ]
    return visible(_GAP.join(part for part in parts if part))


def feed_data(line: "FeedLine") -> dict[str, Any]:
    """Return a line of the feed as JSON-ready data: the execution at that moment."""
    return {"at": instant(line.at), **line.execution.as_data(), "error": line.error}


def log_data(line: "FeedLine") -> dict[str, Any]:
    """Return a line of the feed for a log, without anything that was sent."""
    data = feed_data(line)
    return {"event_id": line.execution.event.id, **{name: data[name] for name in _LOGGED}}


def event_text(event: "Event") -> str:
    """Return an event on one line."""
    parts = [
        clock_or_date(event.recorded_at),
        f"{event.id or '':>5}",  # a backtest's has none
        event.type.spec.label,
        f"{event.subject} {event.detail}".rstrip(),
        event.author,
    ]
    return visible(_GAP.join(parts))


def event_data(event: "Event") -> dict[str, Any]:
    """Return an event as JSON-ready data."""
    data = {**event.as_data(), "event_id": event.id or None}
    return {**data, "recorded_at": instant(event.recorded_at)}


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[float | None, str], None]]:
    """Give a function that draws the share done, from 0 to 1 or unknown, and a text beside it.

    The bar appears with the first call, on stderr where that is a terminal.
    """
    if not sys.stderr.isatty():
        yield lambda _share, _text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn(what), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", visible=False, total=None)

        def show(share: float | None, text: str) -> None:
            total = None if share is None else 1.0
            progress.update(task, total=total, completed=share, description=text, visible=True)

        yield show
