"""Reading what an explanation is made of: an event's surroundings, and automations' histories."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from firetower.core.automations import Automation, Revision
from firetower.core.events import Event
from firetower.core.executions import Execution
from firetower.core.explanation import Explanation, Finding, Subject, explain, look
from firetower.core.references import CollectionReference
from firetower.store import schema
from firetower.store.automations import build_revision
from firetower.store.changes import Reader
from firetower.store.events import find_event, read_events, select_events
from firetower.store.executions import read_executions, select_executions
from firetower.store.types import bounded

_automations, _revisions = schema.automations.c, schema.revisions.c
_collections, _events = schema.collections.c, schema.events.c
_executions, _memberships = schema.executions.c, schema.memberships.c

NEWEST = 2_000
"""Events that are looked back at when an automation is explained."""
_LINKED = 500

Clock = Callable[[datetime], str]


def explain_event(reader: Reader, event_id: int, clock: Clock) -> Explanation:
    """Explain one event. Raises NotFound."""
    connection = reader.connection
    event = find_event(reader, event_id)
    subject = _subjects(reader, [event])[0]
    containers = _containers_around(connection, [event])
    histories = _histories(connection, _revisions.container_id.in_(containers))
    executions = read_executions(
        reader, select_executions().where(_executions.event_id == bounded(event_id))
    )
    everyone = select(func.count()).where(_automations.deleted_at.is_(None))
    elsewhere = connection.execute(everyone).scalar_one() - len(histories)
    return explain(subject, histories, executions, max(elsewhere, 0), clock)


def explain_automation(
    reader: Reader, automation: Automation, since: datetime | None, clock: Clock
) -> list[tuple[Event, Finding]]:
    """Return what became of the newest events in and near an automation's scope, newest first."""
    rows = reader.connection.execute(_of_automation(automation.id))
    revisions = [build_revision(row) for row in rows]
    events = _events_near(reader, automation, since)
    fired = {
        execution.event.id: execution for execution in _fired_by(reader, automation.id, events)
    }
    found = []
    for subject in _subjects(reader, events):
        finding = look(subject, revisions, fired.get(subject.event.id), clock)
        if finding is not None:
            found.append((subject.event, finding))
    return found


def _of_automation(automation_id: int) -> Select[Any]:
    return (
        select(schema.revisions)
        .where(_revisions.automation_id == automation_id)
        .order_by(_revisions.number)
    )


def _histories(connection: Connection, which: Any) -> list[Sequence[Revision]]:  # noqa: ANN401
    query = (
        select(schema.revisions)
        .join_from(
            schema.revisions, schema.automations, _automations.id == _revisions.automation_id
        )
        .where(which, _automations.deleted_at.is_(None))
        .order_by(_revisions.automation_id, _revisions.number)
    )
    revisions = map(build_revision, connection.execute(query))
    return [list(group) for _, group in groupby(revisions, lambda one: one.automation_id)]


def _events_near(reader: Reader, automation: Automation, since: datetime | None) -> list[Event]:
    """Return the newest events of the container, and of versions linked into it or from it."""
    container_id = reader.connection.execute(
        select(_revisions.container_id).where(_revisions.automation_id == automation.id).limit(1)
    ).scalar_one()
    inside = select(_collections.id).where(_collections.container_id == container_id)
    here = select_events().where(_events.collection_id.in_(inside))
    shared = select(_memberships.version_id).where(_memberships.collection_id.in_(inside))
    linked = select_events().where(
        _events.type == automation.definition.event_type.value,
        _events.version_id.in_(shared),
        _events.collection_id.not_in(inside),
    )
    found: dict[int, Event] = {}
    for query, limit in ((here, NEWEST), (linked, _LINKED)):
        newest = query.order_by(_events.id.desc()).limit(limit)
        if since is not None:
            newest = newest.where(_events.recorded_at >= since)
        found |= {event.id: event for event in read_events(reader, newest)}
    return [found[number] for number in sorted(found, reverse=True)]


def _fired_by(reader: Reader, automation_id: int, events: Sequence[Event]) -> list[Execution]:
    if not events:
        return []
    query = select_executions().where(
        _executions.automation_id == automation_id,
        _executions.event_id.in_([event.id for event in events]),
    )
    return read_executions(reader, query)


def _subjects(reader: Reader, events: Sequence[Event]) -> list[Subject]:
    """Return events with where else their versions are."""
    ids = [event.id for event in events]
    if not ids:
        return []
    columns = (_events.id, _events.collection_id, _events.version_id, _events.evaluated)
    rows = reader.connection.execute(select(*columns).where(_events.id.in_(ids))).all()
    places = _places(reader, {row.version_id for row in rows if row.version_id})
    by_id = {row.id: row for row in rows}
    subjects = []
    for event in events:
        row = by_id[event.id]
        others = [place for place in places[row.version_id] if place[0] != row.collection_id]
        subjects.append(
            Subject(
                event,
                row.evaluated,
                tuple(reference for _, reference, _ in others),
                tuple(f"{reference}:v{index}" for _, reference, index in others),
            )
        )
    return subjects


def _places(
    reader: Reader, version_ids: Iterable[int]
) -> dict[int | None, list[tuple[int, CollectionReference, int]]]:
    places: dict[int | None, list[tuple[int, CollectionReference, int]]] = defaultdict(list)
    rows = reader.connection.execute(
        select(
            _memberships.version_id, _memberships.collection_id, _memberships.version_index
        ).where(_memberships.version_id.in_(list(version_ids)))
    ).all()
    reader.collections.learn(reader.connection, {row.collection_id for row in rows})
    for row in rows:
        reference = reader.collections[row.collection_id].reference
        places[row.version_id].append((row.collection_id, reference, row.version_index))
    return places


def _containers_around(connection: Connection, events: Sequence[Event]) -> list[int]:
    """Return the rows of the containers of events, and of those that hold the same versions."""
    ids = [event.id for event in events]
    versions = select(_events.version_id).where(_events.id.in_(ids))
    collections = select(_memberships.collection_id).where(_memberships.version_id.in_(versions))
    own = select(_events.collection_id).where(_events.id.in_(ids))
    query = select(_collections.container_id).where(
        or_(_collections.id.in_(own), _collections.id.in_(collections))
    )
    return list(connection.execute(query.distinct()).scalars())
