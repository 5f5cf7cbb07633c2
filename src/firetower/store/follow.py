"""Read the feed, and follow a database: notice what other processes change."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from firetower.core.errors import DatabaseReplaced, StoreError
from firetower.core.events import Event
from firetower.core.executions import Execution
from firetower.core.feed import FeedLine, FeedPage, merge_feed
from firetower.core.references import ContainerReference
from firetower.store import schema
from firetower.store.changes import Newest, Reader, is_postgresql
from firetower.store.circuits import list_changes
from firetower.store.database import CHANNEL, Database
from firetower.store.events import events_after
from firetower.store.executions import (
    build_attempt,
    list_executions,
    read_executions,
    select_executions,
)
from firetower.store.files import OpenFiles
from firetower.store.store import Store

_attempts, _events, _executions = schema.attempts.c, schema.events.c, schema.executions.c
_HAS_ENDED = _executions.status.in_(schema.FINAL) & (_executions.attempts == 0)
"""The execution ended without an attempt."""

P = TypeVar("P")
T = TypeVar("T")
OnFailure = Callable[[StoreError], object]
_Place = tuple[Newest | None, int]
"""The newest event when events were last read, and the last one that was returned."""
_EVENTS_BATCH = 1_000
_WINDOW = 1_000
"""How many ids back a follower looks on PostgreSQL, where ids are committed out of order."""


def read_feed_page(
    reader: Reader,
    limit: int,
    *,
    since: datetime | None = None,
    before_id: int | None = None,
    container: ContainerReference | None = None,
) -> FeedPage:
    """Return a page of the feed: executions and circuits' changes, the oldest first.

    `before_id` asks for the page before an execution, `container` narrows it to what happened
    there. Raises NotFound for it.
    """
    if limit <= 0:
        return FeedPage((), more=False)
    newest = list_executions(reader, limit, since=since, before_id=before_id, container=container)
    found = newest[::-1]
    more = len(found) >= limit
    after = found[0].created_at if more else since
    changes = list_changes(reader, container, after=after, before_execution=before_id)
    return FeedPage(merge_feed(found, changes), more)


@dataclass(slots=True)
class Follower:
    """Reads new feed lines from a place in the history: each is returned once, in order."""

    execution: Newest
    attempt: Newest
    _seen: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    """The ids of the last poll: on PostgreSQL the next one meets many of them again."""

    @classmethod
    def from_now(cls, reader: Reader) -> "Follower":
        """Begin after the newest line."""
        follower = cls(*_newest(reader.connection))
        follower.poll(reader)
        return follower

    def poll(self, reader: Reader) -> Sequence[FeedLine]:
        """Return the lines since the last call. Raises DatabaseReplaced."""
        connection = reader.connection
        if not self._has_news(connection):
            return ()
        if self.execution.is_lost(connection, schema.executions, _executions.webhook_id) or (
            self.attempt.is_lost(connection, schema.attempts, _attempts.started_at)
        ):
            raise _went_back()
        window = _WINDOW if is_postgresql(connection) else 0
        in_window = _executions.id > self.execution.id - window
        query = select(_executions.id).where(_HAS_ENDED, in_window)
        ended = frozenset(connection.execute(query).scalars())
        query = select(_attempts.id).where(_attempts.id > self.attempt.id - window)
        attempts = frozenset(connection.execute(query).scalars())
        seen_ended, seen_attempts = self._seen
        lines = [
            *_lines_of_ended(reader, ended - seen_ended),
            *_lines_of_attempts(reader, attempts - seen_attempts),
        ]
        self.execution, self.attempt = _newest(connection)
        self._seen = ended, attempts
        return sorted(lines, key=lambda line: line.at)

    def _has_news(self, connection: Connection) -> bool:
        """Return whether there may be lines: most changes of an idle database are heartbeats."""
        return is_postgresql(connection) or _newest(connection) != (self.execution, self.attempt)

    def poll_executions(self, reader: Reader) -> Sequence[Execution]:
        """Return the executions that are new or have changed since the last call, by id.

        Each is returned once, as it is now. Raises DatabaseReplaced.
        """
        if not self._has_news(reader.connection):
            return ()
        is_new = _executions.id > self.execution.id
        waiting = select_executions().where(is_new, _executions.status.not_in(schema.FINAL))
        changed = {execution.id: execution for execution in read_executions(reader, waiting)}
        changed.update((line.execution.id, line.execution) for line in self.poll(reader))
        return [changed[number] for number in sorted(changed)]


# Rows are read from the smallest id on: there may be more ids than a statement can name.
def _lines_of_ended(reader: Reader, ids: Set[int]) -> list[FeedLine]:
    if not ids:
        return []
    query = select_executions().where(_HAS_ENDED, _executions.id >= min(ids))
    ended = read_executions(reader, query.order_by(_executions.id))
    return [FeedLine.of(one) for one in ended if one.id in ids]


def _lines_of_attempts(reader: Reader, ids: Set[int]) -> list[FeedLine]:
    if not ids:
        return []
    is_new = _attempts.id >= min(ids)
    query = select(schema.attempts).where(is_new).order_by(_attempts.id)
    rows = [row for row in reader.connection.execute(query) if row.id in ids]
    is_attempted = _executions.id.in_(select(_attempts.execution_id).where(is_new))
    attempted = read_executions(reader, select_executions().where(is_attempted))
    executions = {one.id: one for one in attempted}
    return [FeedLine.of(executions[row.execution_id], build_attempt(row)) for row in rows]


def _newest(connection: Connection) -> tuple[Newest, Newest]:
    execution = Newest.read(connection, schema.executions, _executions.webhook_id)
    return execution, Newest.read(connection, schema.attempts, _attempts.started_at)


def _went_back() -> DatabaseReplaced:
    return DatabaseReplaced(
        "the database went back to an earlier state, or another is in its place",
        "It is read again, and followed from here on.",
    )


_COMMIT_INTERVAL = 0.000_1
"""Seconds between a write to SQLite's log and the first look for its commit."""
_COMMIT_TIMEOUT = 0.25
"""Seconds after the write within which it is looked for, ever more slowly."""
_FIRST_WATCH = 1
"""The number of an inotify's first watch."""
_MILLISECOND = 0.001
"""The shortest wait of inotify."""
_POLL_INTERVAL = 0.003
"""Seconds between two looks where the system does not tell of writes."""
_IDLE_POLL_INTERVAL = 0.02
"""The same in an idle database, and for a screen."""
_LISTEN_TIMEOUT = 0.25
"""Seconds that one wait for PostgreSQL takes at most: nothing else ends it."""
_RETRY_DELAY = 1.0
"""Seconds until a database that cannot be read is tried again."""
_IDLE_AFTER = 30.0
"""Seconds without a change until a database counts as idle."""

Wait = Callable[[float], bool]
"""Waits so many seconds, at most, for a change; returns whether there was one.

`Database.end_waits` ends it before.
"""


@contextmanager
def watch(database: Database, *, quick: bool = True) -> Iterator[Wait]:
    """Wait for changes by other connections, on one of its own. Raises StoreError.

    Use it from one thread. Without `quick`, SQLite is polled less often, as is enough for a screen.
    Waiting raises DatabaseReplaced once an SQLite file is another, StoreError once it is gone.
    """
    replaced = database.follow_files()
    with database.raw() as connection:
        if database.is_sqlite:
            watch = _SqliteWatch(database, connection, replaced, quick=quick)
            database.waits.add(watch.end)
            try:
                yield watch.wait
            finally:
                database.waits.discard(watch.end)
                watch.close()
            return
        connection.execute(f"LISTEN {CHANNEL}")
        yield lambda timeout: any(
            connection.notifies(timeout=min(timeout, _LISTEN_TIMEOUT), stop_after=1)
        )


class _SqliteWatch:
    """Reads `PRAGMA data_version`, which another connection's commit changes, for 3-6 µs a time.

    On Linux only once something is written to the log: the commit that it is part of is seen a
    moment later, when it is on the disk. Elsewhere, and where that fails, all the time. A file that
    this user may not write is opened as one that never changes: there the files' times tell.
    """

    def __init__(
        self, database: Database, connection: sqlite3.Connection, replaced: int, *, quick: bool
    ) -> None:
        self._database, self._connection, self._replaced = database, connection, replaced
        self._quick = quick
        assert database.location.path is not None
        self._files = OpenFiles(database.location.path)
        self._version = self._read()
        self._changed_at = self._written_at = time.monotonic()
        self._ended = False
        self._writes = _watch_log(self._files) if database.holds_files else None

    def _read(self) -> object:
        if self._database.follow_files() != self._replaced:
            raise self._database.replacements[-1]
        if not self._database.holds_files:
            return self._files.written()
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def wait(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while (version := self._read()) == self._version:
            now = time.monotonic()
            if now >= deadline or self._ended:
                return False
            self._pause(now, deadline - now)
        self._version, self._changed_at = version, time.monotonic()
        return True

    def _pause(self, now: float, longest: float) -> None:
        if self._writes is None:
            is_idle = now - self._changed_at >= _IDLE_AFTER or not self._quick
            time.sleep(min(_IDLE_POLL_INTERVAL if is_idle else _POLL_INTERVAL, longest))
            return
        since = now - self._written_at
        if self._changed_at < self._written_at and since < _COMMIT_TIMEOUT:
            pause = max(_COMMIT_INTERVAL, since / 8) if self._quick else _IDLE_POLL_INTERVAL
            longest = min(pause, longest)
            if pause < _MILLISECOND or not self._quick:
                time.sleep(longest)
                longest = 0
        if self._writes.read(ceil(longest / _MILLISECOND)):
            self._written_at = time.monotonic()

    def end(self) -> None:
        """Let this wait, and each later one, end at once. To be called in any thread."""
        self._ended = True
        if self._writes is not None:
            with suppress(OSError, ValueError):  # ended twice, or closed
                self._writes.rm_watch(_FIRST_WATCH)  # that it is gone is told, which ends a read

    def close(self) -> None:
        if self._writes is not None:
            self._writes.close()


def _watch_log(files: OpenFiles) -> Any:  # noqa: ANN401 - a type that other systems lack
    """Return what tells of writes to an SQLite database's log and of moved files, or None."""
    try:
        from inotify_simple import INotify, flags

        writes = INotify()
    except (ImportError, OSError):
        return None
    moved = flags.ATTRIB | flags.MOVE_SELF
    try:
        writes.add_watch(files.path, moved)
        writes.add_watch(files.logs[0], moved | flags.MODIFY)
    except OSError:
        writes.close()
        return None
    return writes


def follow_events(
    store: Store, after: int, wait: float, on_failure: OnFailure | None = None
) -> Iterator[Sequence[Event]]:
    """Yield the events after another in batches, and [] after `wait` seconds without one.

    Raises DatabaseReplaced. `on_failure` is as for `follow_executions`.
    """

    def read(place: _Place, reader: Reader) -> tuple[_Place, Sequence[Event]]:
        known, after = place
        if known and known.is_lost(reader.connection, schema.events, _events.recorded_at):
            raise _went_back()
        newest = Newest.read(reader.connection, schema.events, _events.recorded_at)
        batch = events_after(reader, after, _EVENTS_BATCH)
        return (newest, batch[-1].id if batch else after), batch

    start: _Place = None, after
    for batch in _follow(store, wait, read, start, quick=True, on_failure=on_failure):
        if batch is None:
            yield []
        elif batch:
            yield batch


def follow_executions(
    store: Store,
    wait: float,
    poll: Callable[[Follower, Reader], Sequence[T]],
    *,
    quick: bool,
    on_failure: OnFailure | None = None,
) -> Iterator[Sequence[T] | None]:
    """Yield what a new follower polls, each time the database changes.

    None comes at once, and after `wait` seconds without a change. Raises DatabaseReplaced. Where
    the database fails after that, `on_failure` is called once and it is tried until it works;
    nothing is lost or repeated. Without `on_failure` StoreError is raised.
    """

    def read(follower: Follower | None, reader: Reader) -> tuple[Follower, Sequence[T] | None]:
        if follower is None:
            return Follower.from_now(reader), None
        moved = copy(follower)
        return moved, poll(moved, reader)

    return _follow(store, wait, read, None, quick=quick, on_failure=on_failure)


def _follow(
    store: Store,
    wait: float,
    read: Callable[[P, Reader], tuple[P, Sequence[T] | None]],
    place: P,
    *,
    quick: bool,
    on_failure: OnFailure | None,
) -> Iterator[Sequence[T] | None]:
    """Yield what is read from a place on, at once and after each change, and None in between."""
    failing = False
    while True:
        try:
            with watch(store.database, quick=quick) as wait_for_change:
                while True:
                    with store.reading() as reader:
                        moved, found = read(place, reader)
                    place, failing = moved, False  # only where the transaction ended
                    yield found
                    while found is None or len(found) < _EVENTS_BATCH:
                        if wait_for_change(wait):
                            break
                        yield None
        except DatabaseReplaced:
            raise
        except StoreError as error:
            if on_failure is None:
                raise
            if not failing:
                on_failure(error)
            failing = True
            time.sleep(_RETRY_DELAY)
