"""The database a command works on."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from firetower.tower import Tower

READ_ONLY = "firetower.read_only"
"""In the context's notes when the option was given."""


def database_url() -> str | None:
    """Return what `--database` says."""
    chosen: str | None = click.get_current_context().find_root().obj
    return chosen


def read_only() -> bool:
    """Return whether `--read-only` or FIRETOWER_READ_ONLY forbids every change."""
    from firetower.store.access import default_read_only

    return READ_ONLY in click.get_current_context().meta or default_read_only()


def open_tower() -> "Tower":
    """Open the database. Raises StoreError, InvalidInput."""
    from firetower.tower import connect

    return connect(database_url(), read_only=read_only())
