"""Which database a command works on, and whether it may change it."""

import sys
from typing import TYPE_CHECKING

import click

from firetower.cli.output import say

if TYPE_CHECKING:
    from firetower.tower import Tower


def database_options() -> list[click.Parameter]:
    """Return the options that every command takes; the last one given wins."""
    return [
        click.Option(
            ["--database"],
            metavar="URL",
            expose_value=False,
            callback=_remember,
            help="File or URL; by default FIRETOWER_DATABASE_URL, or a file in the data folder.",
        ),
        click.Option(
            ["--read-only"],
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="Refuse every change, as FIRETOWER_READ_ONLY=1 does.",
        ),
    ]


def _remember(ctx: click.Context, option: click.Parameter, value: object) -> None:
    if value not in {None, False}:
        ctx.meta[f"firetower.{option.name}"] = value


def database_url() -> str | None:
    """Return the value of `--database`."""
    chosen: str | None = click.get_current_context().meta.get("firetower.database")
    return chosen


def read_only() -> bool:
    """Return whether `--read-only` or FIRETOWER_READ_ONLY forbids every change."""
    from firetower.settings import read_settings

    return "firetower.read_only" in click.get_current_context().meta or read_settings().read_only


def open_tower() -> "Tower":
    """Open the database. Raises StoreError, InvalidInput."""
    from firetower.tower import connect

    def say_wait(who: str) -> None:
        say(f"Waiting for {who}…")

    on_wait = say_wait if sys.stderr.isatty() else None
    return connect(database_url(), read_only=read_only(), on_wait=on_wait)
