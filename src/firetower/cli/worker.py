"""`firetower worker`."""

import click

from firetower.cli.connect import database_url, read_only
from firetower.cli.log_stream import as_json, as_text, drop_unread
from firetower.cli.options import private_targets_option
from firetower.cli.output import feed_text, log_data, print_json, say
from firetower.core.feed import FeedLine


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

    as_line = as_json if log_format == "json" else as_text
    drop_unread(stderr=as_line, stdout=as_line)

    def emit(line: FeedLine) -> None:
        if log_format == "json":
            print_json(log_data(line))
        else:
            click.echo(feed_text(line))

    def report(text: str) -> None:
        say(as_line(text))

    run_worker(
        database_url(),
        once=once,
        attached=attached,
        read_only=read_only(),
        metrics=metrics,
        emit=emit,
        report=report,
    )
