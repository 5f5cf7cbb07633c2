"""Noticing the changes of other processes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from firetower.store.database import CHANNEL, Database

_QUICK = 0.003
_SLOW = 0.02
_CALM = 30.0
"""Seconds without a change after which SQLite is looked at less often."""


class Watch(Protocol):
    """Tells of changes that other connections made."""

    def wait(self, timeout: float) -> bool:
        """Wait for a change, at most `timeout` seconds; return whether there was one."""


@contextmanager
def watch(database: Database, *, quick: bool = True) -> Iterator[Watch]:
    """Watch a database, on a connection of its own. Use it from one thread. Raises StoreError.

    Where not `quick`, SQLite is looked at as seldom as an eye notices: a screen is to cost nothing.
    """
    with database.raw() as connection:
        if database.is_sqlite:
            yield _SqliteWatch(connection, _QUICK if quick else _SLOW)
        else:
            yield _PostgresqlWatch(connection)


class _SqliteWatch:
    """Reads `PRAGMA data_version`, which another connection's commit changes, for 3-6 µs a time."""

    def __init__(self, connection: Any, pause: float) -> None:  # noqa: ANN401 - a driver's connection
        self._connection = connection
        self._pause = pause
        self._version = self._read()
        self._changed_at = time.monotonic()

    def _read(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def wait(self, timeout: float) -> bool:
        """Wait for a change, at most `timeout` seconds; return whether there was one."""
        deadline = time.monotonic() + timeout
        while True:
            version = self._read()
            now = time.monotonic()
            if version != self._version:
                self._version = version
                self._changed_at = now
                return True
            if now >= deadline:
                return False
            pause = self._pause if now - self._changed_at < _CALM else _SLOW
            time.sleep(min(pause, max(deadline - now, 0)))


class _PostgresqlWatch:
    """Listens for the notice that every change sends."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - a driver's connection
        self._connection = connection
        connection.execute(f"LISTEN {CHANNEL}")

    def wait(self, timeout: float) -> bool:
        """Wait for a change, at most `timeout` seconds; return whether there was one."""
        notices = self._connection.notifies(timeout=timeout, stop_after=1)
        return next(notices, None) is not None
