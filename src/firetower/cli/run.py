"""`firetower worker`, `database` and `completion`."""

from datetime import UTC, datetime

import click

from firetower.cli.output import feed_text, json_option, log_data, print_fields, print_json, say
from firetower.cli.prune import prune
from firetower.cli.session import database_url, read_only
from firetower.core.events import instant
from firetower.core.feed import FeedLine
from firetower.core.json import dump


@click.command()
@click.option("--once", is_flag=True, help="Until nothing is due, then exit.")
@click.option(
    "--attached",
    is_flag=True,
    help="Until standard input closes: for a program that runs it beside itself.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: one object a line, talk too.",
)
@click.option("--metrics", metavar="[HOST:]PORT", help="Let Prometheus ask; loopback by itself.")
def worker(*, once: bool, attached: bool, log_format: str, metrics: str | None) -> None:
    """Evaluate events and send what is due, one line for each outcome.

    \b
    Examples:
      firetower worker
      firetower worker --once
      firetower worker --log-format json
    """
    from firetower.worker.run import run_worker

    def emit(line: FeedLine) -> None:
        click.echo(dump(log_data(line)) if log_format == "json" else feed_text(line))

    def report(text: str) -> None:
        if log_format == "json":
            click.echo(dump({"at": instant(datetime.now(UTC)), "message": text}), err=True)
        else:
            say(text)

    run_worker(
        database_url(),
        once=once,
        attached=attached,
        read_only=read_only(),
        metrics=metrics,
        emit=emit,
        report=report,
    )


@click.group()
def database() -> None:
    """Tell of the database, and bring it up to date.

    \b
    Examples:
      firetower database info
      firetower database migrate
      firetower database prune --older-than 90d
    """


database.add_command(prune)


@database.command()
@json_option
def info(*, as_json: bool) -> None:
    """Show where the database is and how its schema stands to this program.

    \b
    Examples:
      firetower database info
    """
    from firetower.store.database import Database
    from firetower.store.location import Location
    from firetower.store.migrate import SCHEMA, SchemaState, schema_state, schema_version
    from firetower.tui.paths import config_file

    location = Location.of(database_url())
    version, state = None, SchemaState.EMPTY
    if location.path is None or location.path.exists():
        database = Database(location, read_only=True)
        try:
            with database.reading() as connection:
                version, state = schema_version(connection), schema_state(connection)
        finally:
            database.close()
    data = {
        "database": str(location),
        "schema": version,
        "program_schema": SCHEMA,
        "state": state.value,
        "key_file": str(location.key_file),
        "config_file": str(config_file()),
    }
    if as_json:
        print_json(data)
    else:
        print_fields(data.items())


@database.command()
def migrate() -> None:
    """Bring the database's schema to this program's version; back it up first if it matters.

    \b
    Examples:
      firetower database migrate
    """
    from firetower.store.database import Database
    from firetower.store.location import Location
    from firetower.store.migrate import SCHEMA, migrate_schema

    database = Database(Location.of(database_url()), read_only=read_only())
    try:
        before = migrate_schema(database)
    finally:
        database.close()
    if before == SCHEMA:
        say(f"Already at schema {before}.")
    else:
        say(f"Brought the schema from {before} to {SCHEMA}.")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print what lets a shell complete commands and options.

    \b
    Examples:
      eval "$(firetower completion bash)"
      firetower completion fish > ~/.config/fish/completions/firetower.fish
    """
    from click.shell_completion import get_completion_class

    make = get_completion_class(shell)
    assert make is not None
    root = click.get_current_context().find_root().command
    click.echo(make(root, {}, "firetower", "_FIRETOWER_COMPLETE").source())


COMMANDS: dict[str, click.Command] = {
    "worker": worker,
    "database": database,
    "completion": completion,
}
