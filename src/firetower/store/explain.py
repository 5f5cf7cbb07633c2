"""Reading events, histories of automations and runs, to explain why these fired or not."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, bindparam, func, or_, select

from firetower.core.automations import Automation, Revision
from firetower.core.crossings import Series, Watch
from firetower.core.events import Event
from firetower.core.explanation import (
    Clock,
    Explanation,
    Group,
    RunFinding,
    RunSubject,
    Subject,
    explain,
    explain_one,
    explain_run,
    grouped,
)
from firetower.core.references import VersionReference
from firetower.core.text import instant
from firetower.store import run_schema, schema
from firetower.store.automations import build_revision, find_automation, list_revisions
from firetower.store.catalog.lookups import happened_in, select_collections_in, select_covering
from firetower.store.changes import Reader
from firetower.store.columns import MAX_INTEGER
from firetower.store.events import find_event, read_events, select_events
from firetower.store.executions import read_executions, select_executions
from firetower.store.runs import FoundRun, list_runs

_automations, _revisions = schema.automations.c, schema.revisions.c
_collections, _events = schema.collections.c, schema.events.c
_containers = schema.containers.c
_executions, _memberships = schema.executions.c, schema.memberships.c

NEWEST = 2_000
"""Events that are looked back at when an automation is explained."""
_LINKED = 500
_MAX_RUNS = 200
"""Runs that are looked at when an automation on a metric is explained."""


def explain_event(reader: Reader, event_id: int, *, clock: Clock = instant) -> Explanation:
    """Return why an event fired each related automation or did not. Raises NotFound."""
    connection = reader.connection
    [subject] = _subjects(reader, [find_event(reader, event_id)])
    histories = _histories_around(connection, event_id)
    fired = select_executions().where(_executions.event_id == event_id)
    executions = read_executions(reader, fired)
    everyone = select(func.count()).where(_automations.deleted_at.is_(None))
    elsewhere = connection.execute(everyone).scalar_one() - len(histories)
    return explain(subject, histories, executions, max(elsewhere, 0), clock)


def explain_automation(
    reader: Reader, name: str, *, since: datetime | None = None, clock: Clock = instant
) -> list[Group]:
    """Return why an automation fired on the newest events near it or did not, by reason.

    At most 2,500 events are read. Raises NotFound.
    """
    automation = find_automation(reader, name)
    revisions = list_revisions(reader, name)[::-1]
    events = _events_near(reader, automation, since)
    of_events = select_executions().where(
        _executions.automation_id == automation.id,
        _executions.event_id.in_([event.id for event in events]),
    )
    fired = {one.event.id: one for one in read_executions(reader, of_events)}
    found = []
    for subject in _subjects(reader, events):
        finding = explain_one(subject, revisions, fired.get(subject.event.id), clock)
        if finding is not None:
            found.append((subject.event, finding))
    return grouped(found)


def _histories_around(connection: Connection, event_id: int) -> list[Sequence[Revision]]:
    """Return the history of each automation that watches where the event's version is."""
    collection_id, version_id, container_id = connection.execute(
        select(_events.collection_id, _events.version_id, _events.container_id).where(
            _events.id == event_id
        )
    ).one()
    holding = select(_memberships.collection_id).where(_memberships.version_id == version_id)
    containers = select(_collections.container_id).where(
        or_(_collections.id == collection_id, _collections.id.in_(holding))
    )
    if container_id is not None:
        containers = select(_containers.id).where(_containers.id == container_id)
    query = (
        select(schema.revisions)
        .join(schema.automations, _automations.id == _revisions.automation_id)
        .where(
            _revisions.container_id.in_(select_covering(containers)),
            _automations.deleted_at.is_(None),
        )
        .order_by(_revisions.automation_id, _revisions.number)
    )
    revisions = map(build_revision, connection.execute(query))
    return [list(group) for _, group in groupby(revisions, lambda one: one.automation_id)]


def _events_near(reader: Reader, automation: Automation, since: datetime | None) -> list[Event]:
    """Return the newest events of the container, and of versions linked into it or from it."""
    container = automation.definition.scope.container
    inside = select_collections_in(container)
    here = select_events().where(happened_in(container))
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


def _subjects(reader: Reader, events: Sequence[Event]) -> list[Subject]:
    """Return events with where else their versions are."""
    elsewhere = (_memberships.version_id == _events.version_id) & (
        _memberships.collection_id != _events.collection_id
    )
    rows = reader.connection.execute(
        select(
            _events.id, _events.evaluated, _memberships.collection_id, _memberships.version_index
        )
        .outerjoin_from(schema.events, schema.memberships, elsewhere)
        .where(_events.id.in_([event.id for event in events]))
        .order_by(_memberships.collection_id, _memberships.version_index)
    ).all()
    evaluated = {row.id: row.evaluated for row in rows}
    linked: dict[int, list[VersionReference]] = defaultdict(list)
    for row in rows:
        if row.collection_id is not None:
            collection = reader.collection(row.collection_id).reference
            version = VersionReference(collection=collection, selector=f"v{row.version_index}")
            linked[row.id].append(version)
    return [Subject(event, evaluated[event.id], tuple(linked[event.id])) for event in events]


_metrics = run_schema.run_metrics.c
_METRIC = select(_metrics.id, _metrics.pending).where(
    _metrics.run_id == bindparam("run"), _metrics.name == bindparam("name")
)
_NAMES = select(_metrics.name).where(_metrics.run_id == bindparam("run"))


def explain_runs(
    reader: Reader, name: str, *, since: datetime | None = None, clock: Clock = instant
) -> list[RunFinding]:
    """Return why an automation on a metric fired for the newest runs or did not.

    Of at most 200 runs that were alive since then; none for another kind of automation. Raises
    NotFound.
    """
    automation = find_automation(reader, name)
    if automation.definition.metric is None:
        return []
    from firetower.store.queue.crossings import read_watches  # of no use to explain an event

    container = automation.definition.scope.container
    runs = list_runs(reader, container, since=since, limit=_MAX_RUNS)
    watches = read_watches(reader, {(automation.id, found.id) for found in runs})
    findings = []
    for found in runs:
        watch = watches.get((automation.id, found.id), Watch())
        subject = _subject(reader, automation, found, watch)
        findings.append(explain_run(automation, subject, reader.now, clock))
    return findings


def _subject(reader: Reader, automation: Automation, found: FoundRun, watch: Watch) -> RunSubject:
    from firetower.store.points import VALUES_UP_TO

    condition, execute = automation.definition.metric, reader.connection.execute
    assert condition is not None
    metric = execute(_METRIC, {"run": found.id, "name": condition.metric}).first()
    if metric is None:
        names = execute(_NAMES, {"run": found.id}).scalars().all()
        return RunSubject(found.run.snapshot, names, None, pending=False, watch=watch)
    series = Series()
    newest = {"metric": metric.id, "last": MAX_INTEGER, "limit": condition.needed}
    for step, value, at in reversed(execute(VALUES_UP_TO, newest).all()):
        series.add(step, value, at)
    return RunSubject(found.run.snapshot, (), series, pending=metric.pending, watch=watch)
