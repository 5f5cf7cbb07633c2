"""A connection to PostgreSQL that tells of long waits, and ends those without an end.

Keepalives notice a machine that is gone, but not a server, or a proxy before it, that hangs.
"""

from collections.abc import Callable, Generator
from functools import partial
from time import monotonic
from typing import Any

import psycopg

from firetower.store.sessions import LONG_WAIT, OnWait, find_holder

_SILENCE = 10.0
"""Seconds without a word of the server after which it is asked whether it still answers."""
_NO_ANSWER = "the server does not answer"
_WAITS = "SELECT pid FROM pg_locks WHERE pid = %s AND NOT granted"


def connect(
    on_wait: OnWait | None, arguments: tuple[Any, ...], named: dict[str, Any]
) -> "WatchedConnection":
    """Return a connection that psycopg opens with these arguments."""
    try:
        connection = WatchedConnection.connect(*arguments, **named)
    except psycopg.errors.ConnectionTimeout:
        raise psycopg.OperationalError(_NO_ANSWER) from None
    connection.on_wait, connection.connect_beside = (
        on_wait,
        partial(psycopg.connect, *arguments, **named),
    )
    return connection


class WatchedConnection(psycopg.Connection[Any]):
    """Looks after the server in each wait for it."""

    on_wait: OnWait | None = None
    connect_beside: Callable[[], psycopg.Connection[Any]]
    _look_at = 0.0

    def wait(self, gen: Any, *limits: Any, **named: Any) -> Any:  # noqa: ANN401 - psycopg's own
        """Wait for an answer."""
        return super().wait(self._watch(gen), *limits, **named)

    def _watch(self, waiting: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        if not self.pgconn.transaction_status:  # a new one begins
            self._look_at = monotonic() + (LONG_WAIT if self.on_wait else _SILENCE)
        ready = None
        while True:
            try:
                wanted = waiting.send(ready)
            except StopIteration as ended:
                return ended.value
            ready = yield wanted  # nothing comes of each tenth of a second without a word
            if not ready and monotonic() >= self._look_at:
                is_told = self._look()
                self._look_at = monotonic() + (
                    LONG_WAIT if self.on_wait and not is_told else _SILENCE
                )

    def _look(self) -> bool:
        """Tell who holds the lock that is waited for; return whether one is.

        Raise where the server does not answer there either.
        """
        try:
            with self.connect_beside() as other:
                pid = [self.info.backend_pid]
                if self.on_wait is None or not other.execute(_WAITS, pid).fetchone():
                    return False
                holder = find_holder(other)
                self.on_wait("another program" if holder is None else holder.describe())
                return True
        except psycopg.errors.ConnectionTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(_NO_ANSWER) from None
        except psycopg.Error:
            return False  # an answer: it has no connection left, say
