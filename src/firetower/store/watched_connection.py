"""A connection to PostgreSQL that tells of long waits, and ends those without an end.

Keepalives notice a machine that is gone, but not a server, or a proxy before it, that hangs; nor
a server process of this connection that is stopped while others answer.
"""

from collections.abc import Callable, Generator
from functools import partial
from time import monotonic
from typing import Any

import psycopg

from firetower.store.sessions import LONG_WAIT, STATEMENT_TIMEOUT, OnWait, find_holder

_ANSWER_TIMEOUT = 10.0
"""Seconds without a word of the server after which it is asked whether it still answers."""
_NO_ANSWER = "the server does not answer"
# A session that has been idle for seconds has read nothing of what it was sent since.
_ASK = """
SELECT
  state LIKE 'idle%%' AND state_change < clock_timestamp() - make_interval(secs => %(silence)s),
  EXISTS (SELECT FROM pg_locks WHERE pid = %(pid)s AND NOT granted),
  (SELECT max(setting::int) / 1000.0 FROM pg_settings
    WHERE name IN ('statement_timeout', 'lock_timeout'))
FROM (SELECT) AS one LEFT JOIN pg_stat_activity ON pid = %(pid)s
"""


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
        partial(_ConnectionBeside.connect, *arguments, **named),
    )
    return connection


class _ConnectionBeside(psycopg.Connection[Any]):
    """Asks about another connection, and waits for no answer longer than for a word of that."""

    def wait(self, gen: Any, *limits: Any, **named: Any) -> Any:  # noqa: ANN401 - psycopg's own
        """Wait for an answer. Raises ConnectionTimeout."""
        return super().wait(self._bound(gen, monotonic() + _ANSWER_TIMEOUT), *limits, **named)

    def _bound(self, waiting: Generator[Any, Any, Any], end: float) -> Generator[Any, Any, Any]:
        ready = None
        while True:
            try:
                wanted = waiting.send(ready)
            except StopIteration as ended:
                return ended.value
            ready = yield wanted
            if not ready and monotonic() >= end:
                self.pgconn.finish()
                raise psycopg.errors.ConnectionTimeout(_NO_ANSWER)


class WatchedConnection(psycopg.Connection[Any]):
    """Looks after the server in each wait for it."""

    on_wait: OnWait | None = None
    connect_beside: Callable[[], psycopg.Connection[Any]]
    statement_timeout = STATEMENT_TIMEOUT
    _look_at = 0.0

    def wait(self, gen: Any, *limits: Any, **named: Any) -> Any:  # noqa: ANN401 - psycopg's own
        """Wait for an answer."""
        return super().wait(self._watch(gen), *limits, **named)

    def _watch(self, waiting: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        begun = monotonic()
        if not self.pgconn.transaction_status:  # a new one begins
            self._look_at = begun + (LONG_WAIT if self.on_wait else _ANSWER_TIMEOUT)
        ready = None
        while True:
            try:
                wanted = waiting.send(ready)
            except StopIteration as ended:
                return ended.value
            ready = yield wanted  # nothing comes of each tenth of a second without a word
            if not ready and monotonic() >= self._look_at:
                is_told = self._look(monotonic() - begun)
                self._look_at = monotonic() + (
                    LONG_WAIT if self.on_wait and not is_told else _ANSWER_TIMEOUT
                )

    def _look(self, waited: float) -> bool:
        """Tell who holds the lock that is waited for; return whether one is.

        Raise where the server does not answer there either, or has ceased to answer here.
        """
        try:
            with self.connect_beside() as other:
                asked = {"pid": self.info.backend_pid, "silence": _ANSWER_TIMEOUT / 2}
                is_unread, is_locked, chosen = other.execute(_ASK, asked).fetchall()[0]
                hangs = (is_unread and waited >= _ANSWER_TIMEOUT) or waited > max(
                    self.statement_timeout, chosen
                )
                if not hangs and is_locked and self.on_wait is not None:
                    holder = find_holder(other)
                    self.on_wait("another program" if holder is None else holder.describe())
                    return True
        except psycopg.errors.ConnectionTimeout:
            hangs = True
        except psycopg.Error:  # an answer: it has no connection left, say
            hangs = waited > self.statement_timeout
        if hangs:
            self.pgconn.finish()
            raise psycopg.OperationalError(_NO_ANSWER)
        return False
