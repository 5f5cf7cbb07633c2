"""Testing a definition on the events that there were, the newest first."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    func,
    null,
    select,
    type_coerce,
)

from firetower.core.automations import Definition
from firetower.core.backtest import Backtest, Simulation, matches
from firetower.core.errors import Cancelled
from firetower.core.events import Event, EventVersion
from firetower.core.filters.fields import METADATA
from firetower.core.filters.nodes import predicates
from firetower.core.runs import RunSnapshot
from firetower.core.scopes import CollectionScope
from firetower.store import schema
from firetower.store.catalog.lookups import (
    find_container,
    happened_in,
    select_collections_in,
)
from firetower.store.changes import CachedCollection, Reader
from firetower.store.events import WITH_VERSIONS, events_of
from firetower.store.metric_backtest import run_metric_backtest
from firetower.store.types import instant_number

_collections, _events, _versions = schema.collections.c, schema.events.c, schema.versions.c
_PIECE = 2_000
"""Events read at once: few, for their metadata may be large."""
_INTERVAL = 0.1
"""Seconds between two reports of progress, at least."""
_REST = 10
"""Times as long as a report took until the next: it takes the longer the more was found."""


@lru_cache(maxsize=256)
def _version(index: int, metadata_json: str) -> EventVersion:
    """Return as much of a version as a filter is tested on; its metadata is parsed once."""
    return EventVersion(artifact_id="", index=index, metadata_json=metadata_json)


def run_backtest(
    reader: Reader,
    definition: Definition,
    since: datetime,
    *,
    wanted: Callable[[], bool],
    progress: Callable[[Backtest], object] | None,
) -> Backtest:
    """Return what a definition would have done with the events since a moment.

    `progress` is called with the result so far, soon and then several times a second. Raises
    NotFound for the container, and Cancelled as soon as `wanted` returns False.
    """
    if definition.metric is not None:
        return run_metric_backtest(reader, definition, since, wanted=wanted, progress=progress)
    simulation = Simulation(definition, since, reader.now)
    find = partial(events_of, reader)
    begin, end = instant_number(since), instant_number(reader.now)
    oldest, newest = _bounds(reader.connection, since)
    due = 0.0
    for first, matching in _pieces(reader, definition, oldest, newest):
        if not wanted():
            raise Cancelled
        for event_id, at, cause in matching:
            if begin <= at <= end:
                simulation.add(event_id, at - begin, cause)
        now = time.monotonic()
        if progress is not None and first > oldest and now >= due:
            query = select(_events.recorded_at).where(_events.id >= first).order_by(_events.id)
            reached = max(since, reader.connection.execute(query.limit(1)).scalar_one())
            share = (newest + 1 - first) / (newest + 1 - oldest)
            progress(simulation.result(find, reached=reached, share=share))
            due = time.monotonic() + max(_INTERVAL, _REST * (time.monotonic() - now))
    return simulation.result(find)


def _bounds(connection: Connection, since: datetime) -> tuple[int, int]:
    """Return the oldest and the newest event to read, by their ids."""
    query = select(_events.id).where(_events.recorded_at >= since)
    first = connection.execute(query.order_by(_events.recorded_at, _events.id).limit(1)).scalar()
    if first is None:
        return 1, 0
    # Where a clock was set back, or several differ, somewhat older ids may be of later moments.
    return max(1, first - _PIECE), connection.execute(select(func.max(_events.id))).scalar_one()


def _pieces(
    reader: Reader, definition: Definition, oldest: int, newest: int
) -> Iterator[tuple[int, list[tuple[int, int, str | None]]]]:
    """Yield the first id of each piece, and the id, moment and cause of each event that matches."""
    query = _select_piece(reader.connection, definition)
    event_type, unread, of_run = definition.event_type, reader.now, definition.condition is not None
    holds = definition.filter.root.holds

    @cache
    def covered(collection_id: int) -> CachedCollection | None:
        collection = reader.collections[collection_id]
        covers = definition.scope.covers(collection.reference, collection.type)
        return collection if covers else None

    for last in range(newest, oldest - 1, -_PIECE):
        first = max(oldest, last - _PIECE + 1)
        rows = reader.connection.execute(query, {"first": first, "last": last}).all()
        if of_run:
            yield first, [row[1:4] for row in rows if _holds_of_run(definition, row, unread)]
            continue
        reader.collections.learn(reader.connection, {row[0] for row in rows})
        matching = []
        for collection_id, event_id, at, cause, author, index, alias, tag, metadata, _ in rows:
            if (collection := covered(collection_id)) is None:
                continue
            version = None if index is None else _version(index, metadata or "{}")
            place = collection.reference.container, collection.reference, collection.type
            # Filters do not read the time, so it is not converted.
            event = Event(event_id, event_type, unread, author, *place, version, alias, tag)
            if holds(event):
                matching.append((event_id, at, cause))
        yield first, matching


def _holds_of_run(definition: Definition, row: Row[Any], unread: datetime) -> bool:
    run = RunSnapshot.from_json(row.run_json)
    event = Event(row.id, definition.event_type, unread, row.author, run.reference.project, run=run)
    return matches(definition, event)


def _select_piece(connection: Connection, definition: Definition) -> Select[Any]:
    """Return the query of a piece's events: a range of the primary key, the newest first."""
    scope = definition.scope
    find_container(connection, scope.container)
    inside = select_collections_in(scope.container)
    if isinstance(scope, CollectionScope):
        inside = inside.where(_collections.name == scope.collection.name)
    is_inside: ColumnElement[bool] = _events.collection_id.in_(inside)
    if definition.condition is not None:
        is_inside = happened_in(scope.container)
    fields = {one.field.partition(".")[0] for one, _ in predicates(definition.filter.root)}
    reads_metadata = METADATA in fields
    query = select(
        _events.collection_id,
        _events.id,
        type_coerce(_events.recorded_at, BigInteger),
        _events.cause,
        _events.author,
        _events.version_index,
        _events.alias,
        _events.tag,
        _versions.metadata_json if reads_metadata else null(),
        _events.run_json,
    ).where(
        _events.id.between(bindparam("first"), bindparam("last")),
        _events.type == definition.event_type.value,
        is_inside,
    )
    tables = WITH_VERSIONS if reads_metadata else schema.events
    return query.select_from(tables).order_by(_events.id.desc())
