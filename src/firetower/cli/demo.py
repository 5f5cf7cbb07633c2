"""`firetower demo`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from firetower.cli.connect import database_url
from firetower.cli.output import say
from firetower.core.errors import InvalidInput

_SHUTDOWN_TIMEOUT = 15.0
"""Seconds that a stopping worker has to finish its requests."""


@click.command()
@click.option(
    "--speed",
    type=click.FloatRange(0.01, 1_000),
    default=1.0,
    metavar="X",
    help="Speed up the team's work this many times.",
)
@click.option("--tour", is_flag=True, help="Open the app with a guided tour.")
@click.option("--headless", is_flag=True, help="Print the feed instead of opening the app.")
@click.option("--seed", default=7, metavar="N", help="Seed of the simulation.")
def demo(*, speed: float, tour: bool, headless: bool, seed: int) -> int:
    """Watch a simulated team at work, on a temporary database.

    Examples:
      firetower demo --tour
      firetower demo --headless --speed 5
    """
    if database_url() is not None:
        raise InvalidInput("the demo uses its own temporary database", "Leave out --database.")
    if headless:
        return _print_until_interrupted(speed, seed)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput(
            "the demo's app needs a terminal", "Run it in one, or print the feed with --headless."
        )
    from firetower.demo.session import demo_beside

    with demo_beside(speed, seed) as team:
        from firetower.tui.app import run_app  # while the team begins

        return run_app(
            team.url, tour=tour, before_open=team.wait_until_begun, may_work=team.is_filled
        )


def _print_until_interrupted(speed: float, seed: int) -> int:
    from firetower.cli.feed import print_feed
    from firetower.demo.session import demo_session
    from firetower.tower import connect

    try:
        with demo_session(speed, seed) as url, _worker(url), connect(url) as tower:
            say(f"a team at work on {url}")
            print_feed(tower, follow=True, limit=20)
    except KeyboardInterrupt:
        say("the demo is over, and its database is gone")
    return 0


@contextmanager
def _worker(database_url: str) -> Iterator[None]:
    """Run a worker beside this process; it ends with the block, or with this process."""
    command = [sys.executable, "-P", "-m", "firetower.cli", "worker", "--attached"]
    process = subprocess.Popen(  # noqa: S603
        [*command, "--database", database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process, which lets the worker finish
    )
    assert process.stdin is not None
    try:
        yield
    finally:
        process.stdin.close()
        try:
            process.wait(_SHUTDOWN_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
