"""`firetower execution` and `firetower redeliver`."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import (
    ROW_ID,
    json_option,
    limit_option,
    since_option,
    status_option,
    yes_option,
)
from firetower.cli.output import (
    clock_or_date,
    date,
    feed_data,
    print_fields,
    print_json,
    print_rows,
    say,
)
from firetower.core.errors import FiretowerError
from firetower.core.executions import Attempt, Execution, Status
from firetower.core.feed import FeedLine
from firetower.core.text import agreeing, counted, shell_word, visible

if TYPE_CHECKING:
    from firetower.tower import Tower


@click.group()
def execution() -> None:
    """List, show and redeliver executions.

    Examples:
      firetower execution list --status failed
      firetower execution show 17
    """


@execution.command("list")
@since_option
@status_option
@limit_option
@json_option
def list_(*, since: datetime | None, status: Status | None, limit: int, as_json: bool) -> None:
    """List executions, the oldest first.

    Examples:
      firetower execution list --since 2h --status failed
      firetower execution list --json
    """
    with open_tower() as tower:
        found = tower.executions.newest(limit, status=status, since=since)[::-1]
    if as_json:
        print_json(*(feed_data(FeedLine.of(one)) for one in found))
        return
    print_rows(
        ("id", "created", "state", "automation", "event", "subject", "code", "reason"),
        [_row(one) for one in found],
        "No executions yet." if since is None and status is None else "No execution matches.",
    )


def _row(one: Execution) -> tuple[object, ...]:
    return (
        one.id,
        date(one.created_at),
        f"{one.state.glyph} {one.state}",
        one.automation,
        one.event.type.spec.label,
        f"{one.event.subject} {one.event.detail}".rstrip(),
        one.status_code or "",
        "" if one.status is Status.FINISHED else one.describe(clock_or_date),
    )


@execution.command()
@click.argument("execution_id", metavar="ID", type=ROW_ID)
@json_option
def show(*, execution_id: int, as_json: bool) -> None:
    """Show an execution with its requests and answers; secrets are masked.

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
    subject = f"{event.subject} {event.detail}".rstrip()
    print_fields(
        [
            ("execution", found.id),
            ("webhook-id", found.webhook_id),
            ("automation", f"{found.automation}, revision {found.revision}"),
            ("event", f"{event.id}, {event.type.spec.label}: {subject}"),
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
    request = f"{date(attempt.started_at)}  {attempt.method} {attempt.url}"
    answer = f"{attempt.error or attempt.status_code}  {attempt.duration_ms:,.0f} ms"
    click.echo(visible(f"attempt {attempt.number}  {request}  {answer}"))
    for name, value in attempt.request_headers.items():
        click.echo(visible(f"  {name}: {value}"))
    for title, body in (("sent", attempt.request_body), ("answer", attempt.response_body)):
        if body:
            click.echo(f"  {title}:")
            for line in body.splitlines():
                click.echo(visible(f"    {line}"))


@click.command()
@click.argument("execution_ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@click.option("--failed", is_flag=True, help="Redeliver all that failed --since a time.")
@since_option
@click.option("--to", "endpoint", metavar="NAME", help="With --failed, only to this endpoint.")
@yes_option
def redeliver(
    *,
    execution_ids: tuple[int, ...],
    failed: bool,
    since: datetime | None,
    endpoint: str | None,
    yes: bool,
) -> None:
    """Send executions again, with the same webhook-id.

    Each endpoint gets at most ten a second. With --failed, prints how many go to each endpoint, and
    asks on a terminal.

    Examples:
      firetower redeliver 17 18
      firetower execution redeliver 17
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
        disabled = [one for one in tower.endpoints.stopped() if not one.endpoint.enabled]
    say(f"{counted(count, 'execution')} will be sent again by the worker.")
    for one in (detail for detail in disabled if detail.queued):
        name, kind = one.endpoint.name, one.endpoint.settings.kind
        waiting = f"{counted(one.queued, 'execution')} {agreeing(one.queued, 'wait')}"
        enable = f"`firetower {kind} enable {shell_word(name)}`"
        say(f"{name} is disabled: {waiting} until {enable}.")


def _redeliver_failed(tower: "Tower", since: datetime, endpoint: str | None, *, yes: bool) -> int:
    """Print how many go to each endpoint, ask on a terminal, and send them again."""
    endpoint_id = None if endpoint is None else tower.endpoints.find(endpoint).id
    plan = tower.executions.failed_since(since)
    if endpoint is not None:
        plan = {name: number for name, number in plan.items() if name == endpoint}
    for name, number in plan.items():
        say(visible(f"{counted(number, 'execution')} to {name}"))
    if plan and not yes and sys.stdin.isatty() and not click.confirm("Send again?", err=True):
        raise FiretowerError("nothing is sent again", "Answer y, or give --yes.")
    return tower.executions.redeliver_failed(since, endpoint_id=endpoint_id)


execution.add_command(redeliver)
