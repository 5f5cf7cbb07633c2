"""Which database a command works on, and whether it may change it."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from firetower.tower import Tower

_READ_ONLY = "firetower.read_only"
"""Key in the context's meta that says that `--read-only` was given."""


def database_options() -> list[click.Parameter]:
    """Return the options that every command takes; the last one given wins."""
    return [
        click.Option(
            ["--database"],
            metavar="URL",
            expose_value=False,
            callback=_choose_database,
            help="File or URL; by default FIRETOWER_DATABASE_URL, or a file in the data folder.",
        ),
        click.Option(
            ["--read-only"],
            is_flag=True,
            expose_value=False,
            callback=_forbid_changes,
            help="Refuse every change, as FIRETOWER_READ_ONLY=1 does.",
        ),
    ]


def _choose_database(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.find_root().obj = value


def _forbid_changes(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        ctx.meta[_READ_ONLY] = True


def database_url() -> str | None:
    """Return the value of `--database`."""
    chosen: str | None = click.get_current_context().find_root().obj
    return chosen


def read_only() -> bool:
    """Return whether `--read-only` or FIRETOWER_READ_ONLY forbids every change."""
    from firetower.settings import read_settings

    return _READ_ONLY in click.get_current_context().meta or read_settings().read_only


def open_tower() -> "Tower":
    """Open the database. Raises StoreError, InvalidInput."""
    from firetower.tower import connect

    return connect(database_url(), read_only=read_only())
