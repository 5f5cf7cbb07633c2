"""Read the feed, and follow a database: notice what other processes change."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from firetower.core.events import Event
from firetower.core.executions import Execution, Status
from firetower.core.feed import FeedLine, FeedPage, merge_feed
from firetower.core.references import ContainerReference
from firetower.store import schema
from firetower.store.changes import Reader, is_postgresql
from firetower.store.circuits import list_changes
from firetower.store.database import CHANNEL, Database
from firetower.store.events import events_after
from firetower.store.executions import (
    build_attempt,
    list_executions,
    read_executions,
    select_executions,
)
from firetower.store.store import Store

_executions, _attempts = schema.executions.c, schema.attempts.c
_FINAL = [status.value for status in Status if status.is_final]

T = TypeVar("T")
_EVENTS_BATCH = 1_000
_WINDOW = 1_000
"""How many ids back a follower looks on PostgreSQL, where ids are committed out of order."""


def read_feed_page(
    reader: Reader,
    limit: int,
    since: datetime | None,
    before_id: int | None,
    container: ContainerReference | None,
) -> FeedPage:
    """Return the newest page of the feed, or the one before an execution. Raises NotFound."""
    if limit <= 0:
        return FeedPage((), more=False)
    found = list_executions(
        reader, limit=limit, since=since, before_id=before_id, container=container
    )[::-1]
    more = len(found) >= limit
    after = found[0].created_at if more else since
    changes = list_changes(reader, container, after=after, before_execution=before_id)
    return FeedPage(merge_feed(found, changes), more)


@dataclass(slots=True)
class Follower:
    """Reads new feed lines from a place in the history: each is returned once, in order."""

    execution_id: int
    attempt_id: int
    _seen: set[tuple[str, int]] = field(default_factory=set)
    """Lines of the last poll: on PostgreSQL the next one reads many of them again."""

    @classmethod
    def from_now(cls, reader: Reader) -> "Follower":
        """Begin after the newest line."""
        follower = cls(*_newest(reader.connection))
        follower.poll(reader)
        return follower

    def poll(self, reader: Reader) -> Sequence[FeedLine]:
        """Return the lines since the last call."""
        connection = reader.connection
        window = _WINDOW if is_postgresql(connection) else 0
        ended = select_executions().where(
            _executions.id > self.execution_id - window,
            _executions.status.in_(_FINAL),
            _executions.attempts == 0,
        )
        lines = {
            ("execution", one.id): FeedLine.of(one)
            for one in read_executions(reader, ended.order_by(_executions.id))
        }
        attempts = select(schema.attempts).where(_attempts.id > self.attempt_id - window)
        rows = connection.execute(attempts.order_by(_attempts.id)).all()
        attempted = select_executions().where(
            _executions.id.in_({row.execution_id for row in rows})
        )
        executions = {one.id: one for one in read_executions(reader, attempted)}
        lines |= {
            ("attempt", row.id): FeedLine.of(executions[row.execution_id], build_attempt(row))
            for row in rows
        }
        fresh = [line for key, line in lines.items() if key not in self._seen]
        self.execution_id, self.attempt_id = _newest(connection)
        self._seen = set(lines)
        return sorted(fresh, key=lambda line: line.at)

    def poll_executions(self, reader: Reader) -> Sequence[Execution]:
        """Return the executions that are new or have changed since the last call, by id.

        Each is returned once, as it is now.
        """
        is_new = _executions.id > self.execution_id
        waiting = select_executions().where(is_new, _executions.status.not_in(_FINAL))
        changed = {execution.id: execution for execution in read_executions(reader, waiting)}
        changed.update((line.execution.id, line.execution) for line in self.poll(reader))
        return [changed[number] for number in sorted(changed)]


def _newest(connection: Connection) -> tuple[int, int]:
    execution = connection.execute(select(func.max(_executions.id))).scalar() or 0
    attempt = connection.execute(select(func.max(_attempts.id))).scalar() or 0
    return execution, attempt


_POLL_INTERVAL = 0.003
"""Seconds between two polls of SQLite while it changes."""
_IDLE_POLL_INTERVAL = 0.02
"""Seconds between two polls of an idle database, and for a screen."""
_IDLE_AFTER = 30.0
"""Seconds without a change until a database counts as idle."""

Wait = Callable[[float], bool]
"""Waits so many seconds, at most, for a change; returns whether there was one."""


@contextmanager
def watch(database: Database, *, quick: bool = True) -> Iterator[Wait]:
    """Wait for changes by other connections, on one of its own. Raises StoreError.

    Use it from one thread. Without `quick`, SQLite is polled less often, as is enough for a screen.
    """
    with database.raw() as connection:
        if database.is_sqlite:
            watch = _SqliteWatch(connection, _POLL_INTERVAL if quick else _IDLE_POLL_INTERVAL)
            yield watch.wait
            return
        connection.execute(f"LISTEN {CHANNEL}")
        yield lambda timeout: any(connection.notifies(timeout=timeout, stop_after=1))


class _SqliteWatch:
    """Reads `PRAGMA data_version`, which another connection's commit changes, for 3-6 µs a time."""

    def __init__(self, connection: Any, interval: float) -> None:  # noqa: ANN401 - a driver's connection
        self._connection, self._interval = connection, interval
        self._version = self._read()
        self._changed_at = time.monotonic()

    def _read(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def wait(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while (version := self._read()) == self._version:
            now = time.monotonic()
            if now >= deadline:
                return False
            idle = now - self._changed_at >= _IDLE_AFTER
            time.sleep(min(_IDLE_POLL_INTERVAL if idle else self._interval, deadline - now))
        self._version, self._changed_at = version, time.monotonic()
        return True


def follow_events(store: Store, after: int, wait: float) -> Iterator[list[Event]]:
    """Yield the events after another in batches, and [] after `wait` seconds without one."""
    with watch(store.database) as wait_for_change:
        while True:
            with store.reading() as reader:
                batch = events_after(reader, after, _EVENTS_BATCH)
            if batch:
                after = batch[-1].id
                yield batch
            elif not wait_for_change(wait):
                yield []


def follow_executions(
    store: Store, wait: float, poll: Callable[[Follower, Reader], Sequence[T]], *, quick: bool
) -> Iterator[Sequence[T] | None]:
    """Yield what a new follower polls, each time the database changes.

    None comes at once, and after `wait` seconds without a change.
    """
    with watch(store.database, quick=quick) as wait_for_change:
        with store.reading() as reader:
            follower = Follower.from_now(reader)
        yield None
        while True:
            if wait_for_change(wait):
                with store.reading() as reader:
                    yield poll(follower, reader)
            else:
                yield None
