"""`firetower explain`: why an automation fired, or why not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import ROW_ID, json_option, since_option
from firetower.cli.output import date, event_data, event_text, print_json, say
from firetower.core.explanation import Explanation, Finding, Group, RunFinding, RunOutcome
from firetower.core.text import counted, visible


@click.command()
@click.argument("event_id", metavar="[EVENT]", type=ROW_ID, required=False)
@click.option("--automation", metavar="NAME", help="Explain this automation.")
@since_option
@json_option
def explain(
    *, event_id: int | None, automation: str | None, since: datetime | None, as_json: bool
) -> None:
    """Explain why automations fired, or why not.

    Give an EVENT by its number in `firetower events`, or an automation.

    Examples:
      firetower explain 12
      firetower explain --automation deploy-on-prod --since 7d
    """
    if (event_id is None) == (automation is None):
        raise click.UsageError("Give an EVENT or --automation NAME.")
    if since is not None and automation is None:
        raise click.UsageError("--since belongs to --automation.")
    with open_tower() as tower:
        if event_id is not None:
            _print_event(tower.explain.event(event_id, clock=date), as_json=as_json)
        elif automation is not None:
            groups = tower.explain.automation(automation, since=since, clock=date)
            runs = tower.explain.runs(automation, since=since, clock=date)
            _print_automation(automation, groups, runs, as_json=as_json)


def _print_event(explanation: Explanation, *, as_json: bool) -> None:
    if as_json:
        print_json(*map(_finding_data, explanation.findings))
        return
    click.echo(event_text(explanation.event))
    for finding in explanation.findings:
        name, execution = finding.revision.definition.name, finding.execution
        fired = "" if execution is None else f" (execution {execution.id})"
        click.echo(visible(f"{_glyph(finding)}  {name}: {finding.words}{fired}"))
    if not explanation.findings:
        say("No automation is near this event.")
    if explanation.elsewhere:
        say(f"{counted(explanation.elsewhere, 'automation')} elsewhere.")
    if not explanation.evaluated:
        say("No worker has evaluated it yet: run `firetower worker`.")


def _glyph(finding: Finding) -> str:
    return "✓" if finding.stop is None else "✗"


def _print_automation(
    name: str, groups: Sequence[Group], runs: Sequence[RunFinding], *, as_json: bool
) -> None:
    if as_json:
        for group in groups:
            example = {"events": group.count, "example": event_data(group.event)}
            print_json({"reason": group.reason, **example, **_finding_data(group.finding)})
        for one in runs:
            said = {"run": str(one.run.reference), "run_name": one.run.name, "words": one.words}
            fired = one.outcome is RunOutcome.FIRED
            print_json({"reason": one.outcome.value, "fired": fired, **said})
        return
    if not groups and not runs:
        say(f"Nothing happened in or near what {visible(name)} watches.")
    for group in groups:
        events = counted(group.count, "event")
        click.echo(f"{_glyph(group.finding)}  {events}: {visible(group.reason)}")
        click.echo(f"   {event_text(group.event)}")
        click.echo(f"   {visible(group.finding.words)}")
    for run in runs:
        glyph = "✓" if run.outcome is RunOutcome.FIRED else "✗"
        click.echo(visible(f"{glyph}  {run.run.reference} {run.run.name}: {run.words}"))


def _finding_data(finding: Finding) -> dict[str, Any]:
    return {
        "automation": finding.revision.definition.name,
        "revision": finding.revision.number,
        "nearness": finding.nearness.name.lower(),
        "fired": finding.stop is None,
        "stopped_by": None if finding.stop is None else finding.stop.value,
        "words": finding.words,
        "trace": None if finding.trace is None else finding.trace.as_data(),
        "execution_id": None if finding.execution is None else finding.execution.id,
    }
