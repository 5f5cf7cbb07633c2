"""`firetower database`."""

import sys
from contextlib import closing
from datetime import timedelta

import click

from firetower.cli.connect import database_url, open_tower, read_only
from firetower.cli.options import ask_to_delete, json_option, yes_option
from firetower.cli.output import date, print_fields, print_json, progress_bar, say
from firetower.core.errors import FiretowerError
from firetower.core.times import parse_duration


@click.group()
def database() -> None:
    """Look at the database, migrate it, and delete its old events.

    Examples:
      firetower database info
      firetower database migrate
      firetower database prune --older-than 90d
    """


@database.command()
@json_option
def info(*, as_json: bool) -> None:
    """Show where the database is, and whether its schema fits this program.

    Examples:
      firetower database info
    """
    from firetower.settings import SECRET_KEY, app_log, config_file, read_settings
    from firetower.store.database import Database
    from firetower.store.files import is_missing
    from firetower.store.location import Location
    from firetower.store.migrate import SCHEMA, SchemaState, schema_state, schema_version

    location = Location.of(database_url())
    version, state = None, SchemaState.EMPTY
    if location.path is None or not is_missing(location.path):
        with (
            closing(Database(location, read_only=True)) as opened,
            opened.transaction() as connection,
        ):
            version, state = schema_version(connection), schema_state(connection)
    data = {
        "database": str(location),
        "schema": version,
        "program_schema": SCHEMA,
        "state": state.value,
        "secret_key_from": SECRET_KEY if read_settings().secret_key else str(location.key_file),
        "config_file": str(config_file()),
        "app_log": str(app_log()),
    }
    if as_json:
        print_json(data)
    else:
        print_fields(data.items())


@database.command()
def migrate() -> None:
    """Bring the schema to this program's version; make a backup first.

    Examples:
      firetower database migrate
    """
    from firetower.store.database import Database
    from firetower.store.location import Location
    from firetower.store.migrate import SCHEMA, migrate_schema

    with closing(Database(Location.of(database_url()), read_only=read_only())) as opened:
        before = migrate_schema(opened)
    if before == SCHEMA:
        say(f"Already at schema {before}.")
    else:
        say(f"Migrated the schema from {before} to {SCHEMA}.")


@database.command()
@click.option(
    "--older-than",
    type=parse_duration,
    required=True,
    metavar="SPAN",
    help="Age of what is deleted, at least 1d: 90d, 2160h.",
)
@yes_option
@click.option("--vacuum", is_flag=True, help="Then give free space back to the disk (SQLite).")
def prune(*, older_than: timedelta, yes: bool, vacuum: bool) -> None:
    """Delete old events and their executions, and thin the metrics of runs; the catalog stays.

    Keeps what is not finished, and the newest execution of each automation. Of a metric the newest
    2,000 values stay, and of older ones as many as its chart needs. Prints first how much would go,
    and asks.

    Examples:
      firetower database prune --older-than 90d
      firetower database prune --older-than 90d --yes --vacuum
    """
    from firetower.store.location import Location

    if vacuum and not Location.of(database_url()).is_sqlite:
        raise FiretowerError(
            "PostgreSQL frees space automatically", "Leave out --vacuum; autovacuum does it."
        )
    with open_tower() as tower:
        before = tower.upkeep.cutoff(older_than)
        planned = tower.upkeep.plan(before)
        found = (
            f"{planned.events:,} events from before {date(before)}, with "
            f"{planned.executions:,} executions and {planned.attempts:,} attempts"
        )
        if planned.points:
            found += f", and {planned.points:,} values of metrics"
        total = planned.events + planned.points
        if total:
            if not yes and not sys.stdin.isatty():
                raise FiretowerError(f"it would delete {found}", "Give --yes to do it.")
            ask_to_delete(found, yes=yes)
            done = 0
            with progress_bar("Deleting") as show_progress:
                for batch in tower.upkeep.prune(before):
                    done += batch.events + batch.points
                    show_progress(done / total, f"{done:,} of {total:,}")
            say(f"Deleted {found}.")
        else:
            say(f"No events before {date(before)} can be deleted.")
        if vacuum:  # needs room on the disk, and so may fail
            tower.upkeep.give_back_space()
