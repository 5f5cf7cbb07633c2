"""`firetower feed`, `events`, `execution` and `redeliver`."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import (
    ROW_ID,
    follow_option,
    json_option,
    limit_option,
    since_option,
    yes_option,
)
from firetower.cli.output import (
    clock,
    date,
    event_data,
    event_text,
    feed_data,
    feed_text,
    news_text,
    print_fields,
    print_json,
    say,
)
from firetower.core.errors import FiretowerError
from firetower.core.executions import Attempt, Execution, Status
from firetower.core.feed import FeedLine, Line, Told
from firetower.core.text import counted, visible

if TYPE_CHECKING:
    from firetower.tower import Tower

_Key = tuple[int, str, int]
"""Of an outcome: its execution, its state, and which try it was."""


@click.command()
@follow_option
@since_option
@click.option(
    "--status",
    type=click.Choice([one.value for one in Status], case_sensitive=False),
    help="Print only executions of this status.",
)
@limit_option
@json_option
def feed(
    *, follow: bool, since: datetime | None, status: str | None, limit: int, as_json: bool
) -> None:
    """Print what was fired and what became of it, the oldest first.

    \b
    Examples:
      firetower feed --since 2h --status failed
      firetower feed --follow --json
    """
    wanted = None if status is None else Status.parse(status)
    with open_tower() as tower:
        print_feed(tower, follow=follow, wanted=wanted, moment=since, limit=limit, as_json=as_json)


def print_feed(
    tower: "Tower",
    *,
    follow: bool,
    limit: int,
    wanted: Status | None = None,
    moment: datetime | None = None,
    as_json: bool = False,
) -> None:
    """Print the newest outcomes, and with `follow` whatever comes, for ever.

    What became of circuits stands among them; apart, on stderr, where each line is one execution.
    """
    coming = tower.executions.follow() if follow else iter(())
    heard = tower.endpoints.newest_news() if follow else 0
    if follow:
        next(coming)  # it watches from here on, so that nothing falls between list and watch
        say("following what fires; Ctrl-C ends it")
    apart = as_json or wanted is not None
    if apart:
        listed: Sequence[Line] = tower.executions.newest(limit, status=wanted, since=moment)[::-1]
    else:
        listed = tower.executions.page(limit, since=moment).lines[-limit:]
    shown = _print_listed(listed, as_json=as_json)
    heard = max([heard, *(one.news.id for one in listed if isinstance(one, Told))])
    if not listed and not follow:
        say("Nothing was fired.")
    for batch in coming:
        for line in batch:
            if _key(line) not in shown and _is_wanted(line, wanted, moment):
                _print_line(line, as_json=as_json)
        for news in tower.endpoints.news_since(heard):
            heard = news.id
            say(f"{news.glyph} {news.words(clock)}") if apart else click.echo(news_text(news))


def _print_listed(listed: Sequence[Line], *, as_json: bool) -> set[_Key]:
    """Print what there is; return which outcomes of executions were among it."""
    shown = set()
    for one in listed:
        if isinstance(one, Told):
            click.echo(news_text(one.news))
        else:
            line = FeedLine.of(one)
            shown.add(_key(line))
            _print_line(line, as_json=as_json)
    return shown


def _key(line: FeedLine) -> _Key:
    return line.execution.id, line.execution.state.value, line.execution.attempts


def _is_wanted(line: FeedLine, status: Status | None, since: datetime | None) -> bool:
    return (status is None or line.execution.status is status) and (
        since is None or line.at >= since
    )


def _print_line(line: FeedLine, *, as_json: bool) -> None:
    if as_json:
        print_json(feed_data(line))
    else:
        click.echo(feed_text(line))


@click.command()
@follow_option
@limit_option
@json_option
def events(*, follow: bool, limit: int, as_json: bool) -> None:
    """Print what happened in registries and projects, the oldest first.

    \b
    Examples:
      firetower events --limit 10
      firetower events --follow --json
    """
    with open_tower() as tower:
        newest = tower.events.newest(max(limit, 1))
        for event in newest[-limit:] if limit else []:
            click.echo(event_text(event)) if not as_json else print_json(event_data(event))
        if not follow:
            if not newest:
                say("Nothing happened yet.")
            return
        for batch in tower.events.follow(newest[-1].id if newest else 0):
            for event in batch:
                click.echo(event_text(event)) if not as_json else print_json(event_data(event))


@click.group()
def execution() -> None:
    """Look at one firing.

    \b
    Examples:
      firetower execution show 17
    """


@execution.command()
@click.argument("execution_id", metavar="ID", type=ROW_ID)
@json_option
def show(*, execution_id: int, as_json: bool) -> None:
    """Show an execution with every request sent and every answer; secrets are masked.

    \b
    Examples:
      firetower execution show 17
      firetower execution show 17 --json
    """
    with open_tower() as tower:
        found, attempts = tower.executions.get(execution_id)
        causes = tower.executions.chain(found)
    if as_json:
        sent = [attempt.as_data() for attempt in attempts]
        print_json({**found.as_data(), "attempts": sent, "caused_by": [one.id for one in causes]})
        return
    _print_execution(found, causes)
    for attempt in attempts:
        _print_attempt(attempt)


def _print_execution(found: Execution, causes: Sequence[Execution]) -> None:
    event = found.event
    print_fields(
        [
            ("execution", found.id),
            ("webhook-id", found.webhook_id),
            ("automation", f"{found.automation}, revision {found.revision}"),
            (
                "event",
                f"{event.id}, {event.type.spec.label}: {event.subject} {event.detail}".strip(),
            ),
            ("endpoint", found.endpoint),
            ("status", found.status),
            ("reason", found.describe(date)),
            ("next attempt", date(found.next_attempt_at)),
            ("redelivery", date(found.redelivery_requested_at)),
            ("created", date(found.created_at)),
            ("finished", date(found.finished_at)),
            ("would send", found.request_body),
            *(
                ("caused by", f"execution {one.id} of {one.automation}, by event {one.event.id}")
                for one in causes
            ),
        ]
    )


def _print_attempt(attempt: Attempt) -> None:
    click.echo()
    if not attempt.was_sent:
        click.echo(visible(f"attempt {attempt.number}  not sent: {attempt.error}"))
        return
    answer = attempt.error or str(attempt.status_code)
    click.echo(
        visible(
            f"attempt {attempt.number}  {date(attempt.started_at)}  {attempt.method} {attempt.url}"
            f"  {answer}  {attempt.duration_ms:,.0f} ms"
        )
    )
    for name, value in attempt.request_headers.items():
        click.echo(visible(f"  {name}: {value}"))
    for title, body in (("sent", attempt.request_body), ("answer", attempt.response_body)):
        if body:
            click.echo(f"  {title}:")
            for line in body.splitlines():
                click.echo(visible(f"    {line}"))


@click.command()
@click.argument("execution_ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@click.option("--failed", is_flag=True, help="Every execution that failed --since a moment.")
@since_option
@click.option("--to", "endpoint", metavar="NAME", help="With --failed: only to this endpoint.")
@yes_option
def redeliver(
    *,
    execution_ids: tuple[int, ...],
    failed: bool,
    since: datetime | None,
    endpoint: str | None,
    yes: bool,
) -> None:
    """Send executions again, with the webhook-id they had; to each endpoint ten a second.

    With --failed it tells how many go where, and asks on a terminal.

    \b
    Examples:
      firetower redeliver 17 18
      firetower redeliver --failed --since 2h --to ci-deploy
    """
    if failed == bool(execution_ids) or failed != (since is not None):
        raise click.UsageError("Give ID..., or --failed with --since.")
    if endpoint is not None and not failed:
        raise click.UsageError("--to belongs to --failed.")
    with open_tower() as tower:
        if since is None:
            count = tower.executions.redeliver(execution_ids)
        else:
            count = _redeliver_failed(tower, since, endpoint, yes=yes)
    say(f"{counted(count, 'execution')} will be sent again by the worker.")


def _redeliver_failed(tower: "Tower", since: datetime, endpoint: str | None, *, yes: bool) -> int:
    """Tell the plan, ask on a terminal, and make it so."""
    endpoint_id = None if endpoint is None else tower.endpoints.find(endpoint).id
    plan = tower.executions.failed_since(since)
    if endpoint is not None:
        plan = {name: number for name, number in plan.items() if name == endpoint}
    for name, number in plan.items():
        say(visible(f"{counted(number, 'execution')} to {name}"))
    if plan and not yes and sys.stdin.isatty() and not click.confirm("Send again?", err=True):
        raise FiretowerError("nothing is sent again", "Answer y, or give --yes.")
    return tower.executions.redeliver_failed(since, endpoint_id=endpoint_id)
