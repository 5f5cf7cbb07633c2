"""`firetower database prune`."""

import sys

import click

from firetower.cli.asking import ask_to_delete
from firetower.cli.output import counting_bar, date, say
from firetower.cli.session import open_tower
from firetower.core.automations import parse_duration
from firetower.core.errors import FiretowerError


@click.command()
@click.option("--older-than", required=True, metavar="SPAN", help="At least 1d; 90d, 2160h.")
@click.option("--yes", "-y", is_flag=True, help="Forget without asking.")
@click.option("--vacuum", is_flag=True, help="SQLite: then give the free space to the disk.")
def prune(*, older_than: str, yes: bool, vacuum: bool) -> None:
    """Forget old events with all that they fired; the catalog stays.

    What is not finished stays, and each automation's newest firing. It says first how much goes.

    \b
    Examples:
      firetower database prune --older-than 90d
      firetower database prune --older-than 90d --yes --vacuum
    """
    age = parse_duration(older_than)
    with open_tower() as tower:
        before = tower.upkeep.cutoff(age)
        planned = tower.upkeep.plan(before)
        said = (
            f"{planned.events:,} events from before {date(before)}, with "
            f"{planned.executions:,} executions and {planned.attempts:,} attempts"
        )
        if planned.events:
            if not yes and not sys.stdin.isatty():
                raise FiretowerError(f"it would delete {said}", "Give --yes to do it.")
            ask_to_delete(said, yes=yes)
            with counting_bar("Forgetting", planned.events) as advance:
                for batch in tower.upkeep.prune(before):
                    advance(batch.events)
        if vacuum:
            tower.upkeep.give_back_space()
    say(f"Deleted {said}." if planned.events else f"Nothing from before {date(before)} may go.")
