"""The database a command works on."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from firetower.tower import Tower


def database_url() -> str | None:
    """Return what `--database` says."""
    chosen: str | None = click.get_current_context().find_root().obj
    return chosen


def open_tower() -> "Tower":
    """Open the database. Raises StoreError, InvalidInput."""
    from firetower.tower import connect

    return connect(database_url())
