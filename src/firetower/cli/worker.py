"""`firetower worker`."""

import os
import stat
from contextlib import suppress
from datetime import UTC, datetime

import click

from firetower.cli.connect import database_url, read_only
from firetower.cli.options import private_targets_option
from firetower.cli.output import feed_text, log_data, print_json, say
from firetower.core.feed import FeedLine
from firetower.core.json import dump
from firetower.core.text import instant


@click.command()
@click.option("--once", is_flag=True, help="Exit when nothing is due any more.")
@click.option(
    "--attached",
    is_flag=True,
    help="Exit when stdin closes, for a program that runs the worker as its child.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Print lines of text, or one JSON object a line on stdout and stderr.",
)
@click.option(
    "--metrics",
    metavar="[HOST:]PORT",
    help="Serve Prometheus metrics; HOST is 127.0.0.1 by default.",
)
@private_targets_option
def worker(*, once: bool, attached: bool, log_format: str, metrics: str | None) -> None:
    """Evaluate events and perform actions.

    Prints a line for each execution.

    Examples:
      firetower worker
      firetower worker --once
      firetower worker --log-format json --metrics 9464
    """
    from firetower.worker.run import run_worker

    if attached and stat.S_ISFIFO(os.fstat(1).st_mode):
        os.set_blocking(1, False)  # a stopped app reads nothing: its log loses lines instead

    def emit(line: FeedLine) -> None:
        # A full disk, a reader that is gone or stopped: no delivery fails for a line.
        with suppress(OSError):
            if log_format == "json":
                print_json(log_data(line))
            else:
                click.echo(feed_text(line))

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
