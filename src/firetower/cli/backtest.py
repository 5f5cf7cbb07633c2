"""`firetower backtest`: what an automation would have done."""

from typing import Any

import click

from firetower.cli.automation_options import automation_options, edited_draft, new_draft
from firetower.cli.connect import open_tower
from firetower.cli.options import json_option, parse_since
from firetower.cli.output import date, event_data, event_text, print_json, progress_bar, say
from firetower.core.backtest import Backtest
from firetower.core.drafts import read_draft
from firetower.core.requests import render_body
from firetower.core.text import counted, visible


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@automation_options
@click.option(
    "--since",
    default="30d",
    metavar="T",
    help="How far to look back: 30m, 2h, 30d, or 2026-01-31T12:00.",
)
@click.option(
    "--show",
    type=click.IntRange(0, 50),
    default=3,
    metavar="N",
    help="Print what would have been sent for this many of the newest events.",
)
@json_option
def backtest(*, name: str | None, since: str, show: int, as_json: bool, **options: Any) -> None:
    """Print what an automation would have done with past events.

    Give the NAME of a saved one, and options to change it, or only the options of `automation
    create`. Nothing is saved or sent.

    Examples:
      firetower backtest deploy-on-prod --since 90d
      firetower backtest --registry models --event ADD_ARTIFACT_ALIAS --alias-regex ^prod --no-op
    """
    moment = parse_since(since)
    with open_tower() as tower:
        if name is None:
            draft = new_draft("draft", options)
        else:
            draft = edited_draft(tower.automations.get(name), options)
        definition = read_draft(draft).checked()
        to = definition.action.endpoint
        endpoint = None if to is None else tower.endpoints.find(to)
        definition.check(frozenset() if endpoint is None else endpoint.settings.granted)
        with progress_bar("Testing") as show_progress:
            result = tower.automations.backtest(
                definition, moment, progress=lambda one: show_progress(one.share, _so_far(one))
            )
    shown = [(event, render_body(definition, event, endpoint)) for event in result.newest[:show]]
    if as_json:
        newest = [{**event_data(event), "body": body} for event, body in shown]
        print_json({"sentence": definition.sentence, **_data(result), "newest": newest})
        return
    click.echo(definition.sentence)
    click.echo(_summary(result, since))
    if result.fired:
        click.echo(result.sparkline)
    for event, body in shown:
        click.echo(event_text(event))
        if body:
            click.echo(f"   {visible(body)}")
    if not result.fired:
        say("`firetower explain --automation NAME` says what stopped a saved automation.")


def _data(result: Backtest) -> dict[str, Any]:
    runs = {} if result.runs is None else {"runs": result.runs, "fired_runs": result.fired_runs}
    skipped, bars = result.skipped, list(result.bars)
    return {"fired": result.fired, "skipped_by_cooldown": skipped, "bars": bars, **runs}


def _so_far(result: Backtest) -> str:
    return f"{result.share:.0%}, fired {result.fired:,} times back to {date(result.reached)}"


def _summary(result: Backtest, since: str) -> str:
    is_span = since[-1:].isalpha() and since[:1].isdigit()
    when = f"in the last {since}" if is_span else f"since {date(result.since)}"
    more = f"; the cooldown would have skipped {result.skipped:,} more" if result.skipped else ""
    runs = ""
    if result.runs is not None:
        runs = f", for {result.fired_runs:,} of {counted(result.runs, 'run')}"
    return f"It would have fired {counted(result.fired, 'time')} {when}{runs}{more}."
