"""Read the feed, and follow a database: yield new events and executions as they come."""

import time
from collections.abc import Callable, Iterator, Sequence, Set
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, literal, select

from firetower.core.errors import DatabaseReplaced, StoreError
from firetower.core.events import Event
from firetower.core.executions import Execution
from firetower.core.feed import FeedLine, FeedPage, merge_feed
from firetower.core.references import ContainerReference
from firetower.store import schema
from firetower.store.changes import Newest, Reader, is_postgresql
from firetower.store.circuits import list_changes
from firetower.store.events import read_events, select_events
from firetower.store.executions import (
    build_attempt,
    list_executions,
    read_executions,
    select_executions,
)
from firetower.store.store import Store
from firetower.store.watch import watch

_attempts, _events, _executions = schema.attempts.c, schema.events.c, schema.executions.c
_HAS_ENDED = _executions.status.in_(schema.FINAL) & (_executions.attempts == 0)
"""The execution ended without an attempt."""

P = TypeVar("P")
T = TypeVar("T")
OnFailure = Callable[[StoreError], object]
_EVENTS_BATCH = 1_000
_WINDOW = 1_000
"""How many ids back a follower looks on PostgreSQL, where ids are committed out of order."""
_RETRY_DELAY = 1.0
"""Seconds until a database that cannot be read is tried again."""


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


_SENT = {"request_headers": "{}", "request_body": "", "response_body": ""}
"""Columns that no line shows, and that may be long; read as these."""
_SHOWN = [
    literal(_SENT[column.name]).label(column.name) if column.name in _SENT else column
    for column in _attempts
]


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
    query = select(*_SHOWN).where(is_new).order_by(_attempts.id)
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


def follow_events(
    store: Store, after: int, wait: float, on_failure: OnFailure | None = None
) -> Iterator[Sequence[Event]]:
    """Yield the events after another in batches, and [] after `wait` seconds without one.

    Raises DatabaseReplaced. `on_failure` is as for `follow_executions`.
    """

    start = _Place(after)
    for batch in _follow(store, wait, _read_events, start, quick=True, on_failure=on_failure):
        if batch is None:
            yield []
        elif batch:
            yield batch


@dataclass(frozen=True, slots=True)
class _Place:
    """How far events were read."""

    after: int
    """The largest id of an event that was returned."""
    seen: frozenset[int] | None = None
    """The ids in the window up to there that are not to be returned."""
    newest: Newest | None = None


def _read_events(place: _Place, reader: Reader) -> tuple[_Place, Sequence[Event]]:
    connection = reader.connection
    if place.newest and place.newest.is_lost(connection, schema.events, _events.recorded_at):
        raise _went_back()
    newest = Newest.read(connection, schema.events, _events.recorded_at)
    window = _WINDOW if is_postgresql(connection) else 0
    query = select(_events.id).where(_events.id > place.after - window).order_by(_events.id)
    ids = connection.execute(query.limit(window + _EVENTS_BATCH)).scalars().all()
    seen = {id_ for id_ in ids if id_ <= place.after} if place.seen is None else place.seen
    fresh = [id_ for id_ in ids if id_ not in seen][:_EVENTS_BATCH]
    events = select_events().where(_events.id.in_(fresh)).order_by(_events.id)
    batch = read_events(reader, events) if fresh else []
    after = max([place.after, *fresh])
    kept = frozenset(id_ for id_ in (*seen, *fresh) if id_ > after - window)
    return _Place(after, kept, newest), batch


def follow_executions(
    store: Store,
    wait: float,
    poll: Callable[[Follower, Reader], Sequence[T]],
    *,
    quick: bool,
    on_failure: OnFailure | None = None,
) -> Iterator[Sequence[T] | None]:
    """Yield the results of `poll` on a new follower, each time the database changes.

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
    """Yield the results of `read`, at once and after each change, and None in between."""
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
