"""`firetower feed` and `firetower events`: what happened, and what comes."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import click

from firetower.cli.connect import open_tower
from firetower.cli.log_stream import drop_unread
from firetower.cli.options import (
    follow_option,
    json_option,
    limit_option,
    since_option,
    status_option,
)
from firetower.cli.output import (
    clock_or_date,
    event_data,
    event_text,
    feed_data,
    feed_text,
    print_json,
    say,
)
from firetower.core.circuit_breaker import CircuitChange
from firetower.core.errors import DatabaseReplaced, StoreError
from firetower.core.events import Event
from firetower.core.executions import Status
from firetower.core.feed import CircuitLine, FeedEntry, FeedLine
from firetower.core.text import visible

if TYPE_CHECKING:
    from firetower.tower import Tower


@click.command()
@follow_option
@since_option
@status_option
@limit_option
@json_option
def feed(
    *, follow: bool, since: datetime | None, status: Status | None, limit: int, as_json: bool
) -> None:
    """Print executions and changes of circuits, the oldest first.

    Examples:
      firetower feed --since 2h --status failed
      firetower feed --follow --json
    """
    if follow:
        drop_unread()
    with open_tower() as tower:
        while True:
            try:
                print_feed(
                    tower, follow=follow, status=status, since=since, limit=limit, as_json=as_json
                )
            except DatabaseReplaced as replaced:
                say(f"{replaced.message}. {replaced.hint}")
                limit = 0
            else:
                return


def print_feed(
    tower: "Tower",
    *,
    follow: bool,
    limit: int,
    status: Status | None = None,
    since: datetime | None = None,
    as_json: bool = False,
) -> None:
    """Print the newest executions and changes of circuits, and then those that arrive.

    As JSON, and with a status, each line is an execution; changes of circuits go to stderr.
    """
    arriving: Iterator[Sequence[FeedLine]] = iter(())
    newest_change = 0
    if follow:
        arriving = tower.executions.follow(on_failure=_say_failure)
        newest_change = tower.endpoints.newest_circuit_change()
        next(arriving)  # it watches from here on, so that nothing falls between list and watch
    only_executions = as_json or status is not None
    listed: Sequence[FeedEntry] = (
        tower.executions.newest(limit, status=status, since=since)[::-1]
        if only_executions
        else tower.executions.page(limit, since=since).entries[-limit:]
    )
    shown, newest_listed = _print_entries(listed, as_json=as_json)
    newest_change = max(newest_change, newest_listed)
    if follow:
        say("following the feed; Ctrl-C ends it")
    elif limit and not listed:
        say("No executions yet." if since is None and status is None else "No execution matches.")
    for batch in arriving:
        for line in batch:
            if status in {None, line.execution.status} and _key(line) not in shown:
                _print_line(line, as_json=as_json)
        with suppress(StoreError):  # the next batch brings them
            for change in tower.endpoints.circuit_changes_since(newest_change):
                newest_change = change.id
                _print_change(change, as_message=only_executions)


def _say_failure(error: StoreError) -> None:
    say(f"{error.message}. {error.hint} Trying again until it works.")


def _print_entries(
    entries: Sequence[FeedEntry], *, as_json: bool
) -> tuple[set[tuple[int, str, int]], int]:
    """Print entries; return the keys of their executions, and the newest change of a circuit."""
    keys, newest_change = set(), 0
    for one in entries:
        if isinstance(one, CircuitLine):
            newest_change = max(newest_change, one.change.id)
            _print_change(one.change)
        else:
            line = FeedLine.of(one)
            keys.add(_key(line))
            _print_line(line, as_json=as_json)
    return keys, newest_change


def _key(line: FeedLine) -> tuple[int, str, int]:
    return line.execution.id, line.execution.state.value, line.execution.attempts


def _print_line(line: FeedLine, *, as_json: bool) -> None:
    if as_json:
        print_json(feed_data(line))
    else:
        click.echo(feed_text(line))


def _print_change(change: CircuitChange, *, as_message: bool = False) -> None:
    text = f"{change.glyph} {change.describe(clock_or_date)}"
    if as_message:
        say(text)
    else:
        click.echo(visible(f"{clock_or_date(change.at)}  {text}"))


@click.command()
@follow_option
@limit_option
@json_option
def events(*, follow: bool, limit: int, as_json: bool) -> None:
    """Print events of registries and projects, the oldest first.

    Examples:
      firetower events --limit 10
      firetower events --follow --json
    """
    if follow:
        drop_unread()
    with open_tower() as tower:
        newest = tower.events.newest(max(limit, 1))
        _print_events(newest[-limit:] if limit else [], as_json=as_json)
        if not newest and not follow:
            say("No events yet.")
        while follow:
            try:
                after = newest[-1].id if newest else 0
                for batch in tower.events.follow(after, on_failure=_say_failure):
                    _print_events(batch, as_json=as_json)
            except DatabaseReplaced as replaced:
                say(f"{replaced.message}. {replaced.hint}")
                newest = tower.events.newest(1)


def _print_events(found: Sequence[Event], *, as_json: bool) -> None:
    for event in found:
        if as_json:
            print_json(event_data(event))
        else:
            click.echo(event_text(event))
