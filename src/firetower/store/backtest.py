"""Testing a definition on what there was: the newest events, or runs' values, first."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, lru_cache, partial
from operator import attrgetter
from typing import Any, TypeAlias

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
from firetower.core.backtest import NEWEST, PARTS, Backtest, Simulation, matches
from firetower.core.crossings import Series
from firetower.core.errors import Cancelled
from firetower.core.events import Event, EventVersion
from firetower.core.filters.fields import METADATA
from firetower.core.filters.nodes import predicates
from firetower.core.matching import cooldown_end
from firetower.core.runs import RunSnapshot
from firetower.core.scopes import CollectionScope
from firetower.store import run_schema, schema
from firetower.store.catalog.lookups import find_container, happened_in, select_collections_in
from firetower.store.changes import CachedCollection, Reader
from firetower.store.columns import instant_number
from firetower.store.events import (
    WITH_VERSIONS,
    cut,
    events_of,
    is_whole,
    whole_metadata,
    whole_run,
)
from firetower.store.points import VALUES_AFTER
from firetower.store.runs import list_runs

_collections, _events, _versions = schema.collections.c, schema.events.c, schema.versions.c
_metrics = run_schema.run_metrics.c
_METRIC = select(_metrics.id).where(
    _metrics.run_id == bindparam("run"), _metrics.name == bindparam("name")
)
_EVENTS_AT_ONCE = 2_000
_VALUES_AT_ONCE = 20_000
_INTERVAL = 0.1
"""Seconds between two reports of progress, at least."""
_REST = 10
"""Times as long as a report took until the next: it takes the longer the more was found."""

_Piece: TypeAlias = tuple[float, Callable[[], Backtest]]
"""The share that was tested so far, and what returns the result so far."""


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
    test = _test_events if definition.metric is None else _test_runs
    due = 0.0
    for share, so_far in test(reader, definition, since):
        if not wanted():
            raise Cancelled
        now = time.monotonic()
        if progress is not None and share < 1 and now >= due:
            progress(so_far())
            due = time.monotonic() + max(_INTERVAL, _REST * (time.monotonic() - now))
    return so_far()


def _test_events(reader: Reader, definition: Definition, since: datetime) -> Iterator[_Piece]:
    """Test the events since a moment, the newest first."""
    simulation = Simulation(definition, since, reader.now)
    find = partial(events_of, reader)
    begin, end = instant_number(since), instant_number(reader.now)
    oldest, newest = _bounds(reader.connection, since)

    def so_far(first: int, share: float) -> Backtest:
        query = select(_events.recorded_at).where(_events.id >= first).order_by(_events.id)
        reached = max(since, reader.connection.execute(query.limit(1)).scalar_one())
        return simulation.result(find, reached=reached, share=share)

    for first, matching in _pieces(reader, definition, oldest, newest):
        for event_id, at, cause in matching:
            if begin <= at <= end:
                simulation.add(event_id, at - begin, cause)
        if first > oldest:
            share = (newest + 1 - first) / (newest + 1 - oldest)
            yield share, partial(so_far, first, share)
    yield 1.0, partial(simulation.result, find)


def _bounds(connection: Connection, since: datetime) -> tuple[int, int]:
    """Return the oldest and the newest event to read, by their ids."""
    query = select(_events.id).where(_events.recorded_at >= since)
    first = connection.execute(query.order_by(_events.recorded_at, _events.id).limit(1)).scalar()
    if first is None:
        return 1, 0
    # Where a clock was set back, or several differ, somewhat older ids may be of later moments.
    return max(1, first - _EVENTS_AT_ONCE), connection.execute(
        select(func.max(_events.id))
    ).scalar_one()


def _pieces(
    reader: Reader, definition: Definition, oldest: int, newest: int
) -> Iterator[tuple[int, list[tuple[int, int, str | None]]]]:
    """Yield the first id of each piece, and the id, moment and cause of each event that matches."""
    query = _select_piece(reader, definition)
    event_type, unread = definition.event_type, reader.now
    of_run = "run" in event_type.spec.carries
    holds = definition.filter.root.holds

    @cache
    def covered(collection_id: int) -> CachedCollection | None:
        collection = reader.collections[collection_id]
        covers = definition.scope.covers(collection.reference, collection.type)
        return collection if covers else None

    @lru_cache(maxsize=4)
    def long_version(artifact_id: str, index: int, beginning: str) -> EventVersion:
        metadata_json = whole_metadata(reader, artifact_id, beginning)
        return EventVersion(artifact_id, index, metadata_json=metadata_json)

    def version_of(artifact_id: str, index: int, beginning: str) -> EventVersion:
        if is_whole(beginning):
            return _version(index, beginning)
        return long_version(artifact_id, index, beginning)

    for last in range(newest, oldest - 1, -_EVENTS_AT_ONCE):
        first = max(oldest, last - _EVENTS_AT_ONCE + 1)
        rows = reader.connection.execute(query, {"first": first, "last": last}).all()
        if of_run:
            yield first, [row[1:4] for row in rows if _holds_of_run(reader, definition, row)]
            continue
        reader.learn({row[0] for row in rows})
        matching = []
        for collection_id, event_id, at, cause, author, index, alias, tag, *of_version in rows:
            if (collection := covered(collection_id)) is None:
                continue
            artifact_id, metadata = of_version[:2]
            version = None if index is None else version_of(artifact_id, index, metadata or "{}")
            place = collection.reference.container, collection.reference, collection.type
            # Filters do not read the time, so it is not converted.
            event = Event(event_id, event_type, unread, author, *place, version, alias, tag)
            if holds(event):
                matching.append((event_id, at, cause))
        yield first, matching


def _holds_of_run(reader: Reader, definition: Definition, row: Row[Any]) -> bool:
    run = RunSnapshot.from_json(whole_run(reader, row.id, row.run_json))
    type_, project = definition.event_type, run.reference.project
    event = Event(row.id, type_, reader.now, row.author, project, run=run)
    return matches(definition, event)


def _select_piece(reader: Reader, definition: Definition) -> Select[Any]:
    """Return the query of a piece's events: a range of the primary key, the newest first."""
    scope = definition.scope
    find_container(reader, scope.container)
    inside = select_collections_in(scope.container)
    if isinstance(scope, CollectionScope):
        inside = inside.where(_collections.name == scope.collection.name)
    is_inside: ColumnElement[bool] = _events.collection_id.in_(inside)
    if "run" in definition.event_type.spec.carries:
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
        _versions.artifact_id if reads_metadata else null(),
        cut(_versions.metadata_json) if reads_metadata else null(),
        cut(_events.run_json),
    ).where(
        _events.id.between(bindparam("first"), bindparam("last")),
        _events.type == definition.event_type.value,
        is_inside,
    )
    tables = WITH_VERSIONS if reads_metadata else schema.events
    return query.select_from(tables).order_by(_events.id.desc())


def _test_runs(reader: Reader, definition: Definition, since: datetime) -> Iterator[_Piece]:
    """Test the values of a metric, of the runs that were alive since a moment, the newest first."""
    runs = list_runs(reader, definition.scope.container, since=since)
    simulation = _MetricSimulation(reader, definition, since)
    for place, found in enumerate(runs):
        share = place / len(runs)
        for _ in simulation.test(found.id, found.run.snapshot):
            yield share, partial(simulation.result, share, found.run.started_at)
    yield 1.0, simulation.result


@dataclass(slots=True)
class _MetricSimulation:
    reader: Reader
    definition: Definition
    since: datetime
    bars: list[int] = field(default_factory=lambda: [0] * PARTS)
    newest: list[Event] = field(default_factory=list)
    skipped: int = 0
    runs: int = 0
    fired_runs: int = 0

    def test(self, run_row: int, run: RunSnapshot) -> Iterator[None]:
        """Test a run; yield after each piece of its values."""
        definition, condition = self.definition, self.definition.metric
        assert condition is not None
        execute, fired_before = self.reader.connection.execute, sum(self.bars)
        event = Event(
            0, definition.event_type, self.since, run.user, run.reference.project, run=run
        )
        metric = execute(_METRIC, {"run": run_row, "name": condition.metric}).scalar()
        if metric is None or not definition.filter.holds(event):
            return
        self.runs += 1
        values = {"metric": metric, "limit": _VALUES_AT_ONCE}
        series, held, began, after = Series(), False, None, -1
        while rows := execute(VALUES_AFTER, {**values, "after": after}).all():
            series.keep(condition.needed - 1)
            for step, value, at in rows:
                series.add(step, value, at)
            after, first = series.steps[-1], series.first_since(self.since)
            for place, measured in condition.edges(series.values, first, held=held):
                held, at = measured.held, series.moments[place]
                if held and cooldown_end(at, definition.pace, began) is not None:
                    self.skipped += 1
                elif held:
                    began = at
                    crossing = series.crossing(condition, place)
                    self._add(replace(event, recorded_at=at, metric=crossing))
            yield
        self.fired_runs += sum(self.bars) > fired_before

    def _add(self, event: Event) -> None:
        bar = (self.reader.now - self.since) / PARTS
        self.bars[min(max(0, int((event.recorded_at - self.since) / bar)), PARTS - 1)] += 1
        self.newest.append(event)
        if len(self.newest) == 2 * NEWEST:
            self.newest = self._newest()

    def _newest(self) -> list[Event]:
        return sorted(self.newest, key=attrgetter("recorded_at"), reverse=True)[:NEWEST]

    def result(self, share: float = 1.0, reached: datetime | None = None) -> Backtest:
        """Return the result so far."""
        return Backtest(
            self.since,
            self.reader.now,
            fired=sum(self.bars),
            skipped=self.skipped,
            bars=tuple(self.bars),
            newest=tuple(self._newest()),
            reached=reached,
            share=share,
            runs=self.runs,
            fired_runs=self.fired_runs,
        )
