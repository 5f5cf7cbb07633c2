"""Reading events."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    bindparam,
    func,
    select,
)

from firetower.core.errors import NotFound
from firetower.core.events import Event, EventType, EventVersion
from firetower.core.json import parse_object
from firetower.core.metrics import Crossing
from firetower.core.references import ContainerReference
from firetower.core.runs import RunSnapshot
from firetower.store import schema
from firetower.store.catalog.lookups import find_container, happened_in
from firetower.store.changes import Reader
from firetower.store.columns import bounded_limit
from firetower.store.driver import Prepared

_events, _versions = schema.events.c, schema.versions.c

_TYPES = {type_.value: type_ for type_ in EventType}
_LONG = 10_000
"""Characters of a text from which it is read alone: of many at once the memory may not suffice."""
_METADATA = _versions.metadata_json


def cut(column: Column[Any]) -> ColumnElement[str]:
    """Return the beginning of a text, as `whole_run` and `whole_metadata` take it."""
    return func.substr(column, 1, _LONG).label(column.name)


EVENT_COLUMNS = (
    _events.id.label("event_id"),
    *(_events.type, _events.recorded_at, _events.author, _events.collection_id),
    *(_events.version_index, _events.alias, _events.tag, _events.previous_index, _events.cause),
    *(_versions.artifact_id, cut(_METADATA)),
    *(_versions.home_collection_id, _versions.home_index, cut(_events.run_json)),
    _events.metric_json,
)
"""What `build_event` reads, of long texts the beginning; `WITH_VERSIONS` supplies it."""

WITH_VERSIONS = schema.events.outerjoin(schema.versions, _events.version_id == _versions.id)


MAX_TEXT = 1 << 23
"""Characters of metadata, config and bodies from which no more events are taken at once."""


def select_events() -> Select[Any]:
    """Return the query of events, to be narrowed and ordered."""
    return select(*EVENT_COLUMNS).select_from(WITH_VERSIONS)


_RUN_JSON = Prepared(select(_events.run_json).where(_events.id == bindparam("id")))
_METADATA_JSON = Prepared(select(_METADATA).where(_versions.artifact_id == bindparam("id")))
_LENGTHS = Prepared(
    select(func.length(_METADATA), func.length(_events.run_json))
    .select_from(WITH_VERSIONS)
    .where(_events.id == bindparam("id"))
)


def take_rows(connection: Connection, rows: Iterable[Any]) -> list[Any]:
    """Return the first rows: at least one, and no more once their texts have MAX_TEXT."""
    taken, length = [], 0
    for row in rows:
        taken.append(row)
        known = len(row.metadata_json or ""), len(row.run_json or "")
        if _LONG in known:
            known = _LENGTHS.first(connection, id=row.event_id)
        length += (known[0] or 0) + (known[1] or 0)
        if length >= MAX_TEXT:
            break
    return taken


Versions: TypeAlias = dict[tuple[str, int, int], EventVersion]
"""By version, collection and index: events share its metadata, read and parsed once."""


def build_event(reader: Reader, values: Sequence[Any], versions: Versions) -> Event:
    """Return the event of EVENT_COLUMNS' values, whose collections the reader has learned.

    `versions` are those that were read so far.
    """
    event_id, type_, recorded_at, author, collection_id, version_index, alias, tag = values[:8]
    before, cause, artifact_id, metadata_json, home_id, home_index, *of_run = values[8:]
    happened = event_id, _TYPES[type_], recorded_at, author
    collections = reader.collections
    if collection_id is None:
        run_json, metric_json = of_run
        run = RunSnapshot.from_json(whole_run(reader, event_id, run_json))
        metric = None if metric_json is None else Crossing.from_data(parse_object(metric_json))
        return Event(*happened, run.reference.project, cause=cause, run=run, metric=metric)
    collection = collections[collection_id]
    key = artifact_id, collection_id, version_index
    version = versions.get(key)
    if version is None and artifact_id is not None:
        is_link = home_id != collection_id
        source = f"{collections[home_id].reference.full_name}:v{home_index}" if is_link else None
        metadata_json = whole_metadata(reader, artifact_id, metadata_json)
        version = EventVersion(artifact_id, version_index, source, metadata_json)
        versions[key] = version
    place = collection.reference.container, collection.reference, collection.type
    return Event(*happened, *place, version, alias, tag, before, cause)


def is_whole(beginning: str) -> bool:
    """Return whether `cut` has left a text as it is."""
    return len(beginning) < _LONG


def whole_run(reader: Reader, event_id: int, beginning: str) -> str:
    """Return the run of an event, as it is stored."""
    return _whole(reader, _RUN_JSON, event_id, beginning)


def whole_metadata(reader: Reader, artifact_id: str, beginning: str) -> str:
    """Return the metadata of a version, as it is stored."""
    return _whole(reader, _METADATA_JSON, artifact_id, beginning)


def _whole(reader: Reader, query: Prepared, id_: str | int, beginning: str) -> str:
    if is_whole(beginning):
        return beginning
    return str(query.first(reader.connection, id=id_)[0])


def learn_collections(reader: Reader, rows: Sequence[Any]) -> None:
    """Read the collections that rows with EVENT_COLUMNS name."""
    ids = {row.collection_id for row in rows}
    ids.update(row.home_collection_id for row in rows)
    ids.discard(None)
    reader.learn(ids)


def read_events(reader: Reader, query: Select[Any], **values: object) -> list[Event]:
    """Return the events of a query made by `select_events`, with values for its parameters."""
    return build_events(reader, reader.connection.execute(query, values).all())


def build_events(reader: Reader, rows: Sequence[Any]) -> list[Event]:
    """Return the events of a query's rows with EVENT_COLUMNS."""
    learn_collections(reader, rows)
    versions: Versions = {}
    return [build_event(reader, row, versions) for row in rows]


def first_event_after(moment: datetime) -> ScalarSelect[int]:
    """Return the query of the id of the first event after a moment."""
    query = select(_events.id).where(_events.recorded_at > moment)
    return query.order_by(_events.recorded_at).limit(1).scalar_subquery()


def newest_events(reader: Reader, limit: int) -> list[Event]:
    """Return the newest events, the oldest of them first."""
    query = select_events().order_by(_events.id.desc()).limit(bounded_limit(limit))
    return read_events(reader, query)[::-1]


def newest_events_in(
    reader: Reader, container: ContainerReference, type_: EventType, limit: int
) -> list[Event]:
    """Return a container's newest events of a type, the newest first. Raises NotFound."""
    find_container(reader, container)
    query = (
        select_events()
        .where(_events.type == type_.value, happened_in(container))
        .order_by(_events.id.desc())
        .limit(bounded_limit(limit))
    )
    return read_events(reader, query)


def events_of(reader: Reader, ids: Sequence[int]) -> list[Event]:
    """Return the events of some ids, in the ids' order; few, for the query names each."""
    found = read_events(reader, select_events().where(_events.id.in_(ids)))
    return sorted(found, key=lambda event: ids.index(event.id))


def find_event(reader: Reader, event_id: int) -> Event:
    """Return one event. Raises NotFound."""
    for event in read_events(reader, select_events().where(_events.id == event_id)):
        return event
    raise NotFound(f"there is no event {event_id}", "List them with `firetower events`.")
