"""Reading events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, Select, select

from firetower.core.errors import NotFound
from firetower.core.events import Event, EventType, EventVersion
from firetower.core.json import parse_object
from firetower.core.metrics import Crossing
from firetower.core.references import ContainerReference
from firetower.core.runs import RunSnapshot
from firetower.store import schema
from firetower.store.catalog.lookups import find_container, happened_in
from firetower.store.changes import CollectionCache, Reader
from firetower.store.columns import bounded_limit

_events, _versions = schema.events.c, schema.versions.c

_TYPES = {type_.value: type_ for type_ in EventType}
EVENT_COLUMNS = (
    _events.id.label("event_id"),
    *(_events.type, _events.recorded_at, _events.author, _events.collection_id),
    *(_events.version_index, _events.alias, _events.tag, _events.previous_index, _events.cause),
    *(_versions.artifact_id, _versions.metadata_json),
    *(_versions.home_collection_id, _versions.home_index, _events.run_json),
    _events.metric_json,
)
"""What `build_event` reads; `WITH_VERSIONS` supplies it."""

WITH_VERSIONS = schema.events.outerjoin(schema.versions, _events.version_id == _versions.id)


def select_events() -> Select[Any]:
    """Return the query of events, to be narrowed and ordered."""
    return select(*EVENT_COLUMNS).select_from(WITH_VERSIONS)


def build_event(values: Sequence[Any], collections: CollectionCache) -> Event:
    """Return the event of EVENT_COLUMNS' values, whose collections are in the cache."""
    event_id, type_, recorded_at, author, collection_id, version_index, alias, tag = values[:8]
    before, cause, artifact_id, metadata_json, home_id, home_index, *of_run = values[8:]
    happened = event_id, _TYPES[type_], recorded_at, author
    if collection_id is None:
        run_json, metric_json = of_run
        run = RunSnapshot.from_json(run_json)
        metric = None if metric_json is None else Crossing.from_data(parse_object(metric_json))
        return Event(*happened, run.reference.project, cause=cause, run=run, metric=metric)
    collection = collections[collection_id]
    version = None
    if artifact_id is not None:
        is_link = home_id != collection_id
        source = f"{collections[home_id].reference.full_name}:v{home_index}" if is_link else None
        version = EventVersion(artifact_id, version_index, source, metadata_json)
    place = collection.reference.container, collection.reference, collection.type
    return Event(*happened, *place, version, alias, tag, before, cause)


def learn_collections(reader: Reader, rows: Sequence[Any]) -> None:
    """Read the collections that rows with EVENT_COLUMNS name."""
    ids = {row.collection_id for row in rows}
    ids.update(row.home_collection_id for row in rows)
    ids.discard(None)
    reader.collections.learn(reader.connection, ids)


def read_events(reader: Reader, query: Select[Any], **values: object) -> list[Event]:
    """Return the events of a query made by `select_events`, with values for its parameters."""
    return build_events(reader, reader.connection.execute(query, values).all())


def build_events(reader: Reader, rows: Sequence[Any]) -> list[Event]:
    """Return the events of a query's rows with EVENT_COLUMNS."""
    learn_collections(reader, rows)
    return [build_event(row, reader.collections) for row in rows]


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
    find_container(reader.connection, container)
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
