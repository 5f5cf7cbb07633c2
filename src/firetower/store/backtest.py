"""Reading the events that a backtest looks at: as few as SQL can tell."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from firetower.core.automations import Definition
from firetower.core.events import Event
from firetower.core.filters.fields import MISSING
from firetower.core.filters.nodes import All, AnyOf, Node, Predicate
from firetower.core.references import CollectionReference
from firetower.store import tables
from firetower.store.catalog.lookups import find_container
from firetower.store.events import build_event, learn_collections, select_events
from firetower.store.known import KnownCollections

_collections, _events = tables.collections.c, tables.events.c
_COLUMNS = {"alias": _events.alias, "tag": _events.tag}
_CHUNK = 2_000
_MANY = 20_000
"""Distinct aliases or tags above which the database is not asked for them one by one."""


class Cancelled(Exception):
    """The reading was no longer wanted."""


def read_past(
    connection: Connection,
    known: KnownCollections,
    definition: Definition,
    since: datetime,
    wanted: Callable[[], bool] = lambda: True,
) -> Iterator[Event]:
    """Yield the events since a moment that could fire a definition, the oldest first.

    Raises NotFound for its container, and Cancelled as soon as `wanted` says no.
    """
    collections = _covered(connection, definition)
    if not collections:
        return
    narrowed = [
        _events.type == definition.event_type.value,
        _events.recorded_at >= since,
        _events.collection_id.in_(collections),
    ]
    for field in ("alias", "tag"):
        values = _possible(connection, definition, field, narrowed)
        if values is not None:
            narrowed.append(_COLUMNS[field].in_(values))
    query = select_events().where(*narrowed).order_by(_events.id)
    result = connection.execution_options(yield_per=_CHUNK).execute(query)
    for rows in result.partitions(_CHUNK):
        if not wanted():
            raise Cancelled
        learn_collections(connection, known, rows)
        for row in rows:
            yield build_event(row, known)


def _possible(
    connection: Connection,
    definition: Definition,
    field: str,
    narrowed: Sequence[ColumnElement[bool]],
) -> list[str] | None:
    """Return the aliases or tags there are that the filter can let through; None for any.

    Values are few and events many: it is the values that are tested.
    """
    predicates = [one for one in _necessary(definition.filter.root) if one.field == field]
    if all(one.test(MISSING) for one in predicates):  # no value may do as well
        return None
    column = _COLUMNS[field]
    query = select(column).where(*narrowed, column.is_not(None)).distinct().limit(_MANY + 1)
    values = connection.execute(query).scalars().all()
    if len(values) > _MANY:
        return None
    return [value for value in values if all(one.test(value) for one in predicates)]


def _necessary(node: Node) -> Iterator[Predicate]:
    """Yield the predicates without which a filter never holds."""
    match node:
        case Predicate():
            yield node
        case All():
            for part in node.parts:
                yield from _necessary(part)
        case AnyOf(parts=(part,)):
            yield from _necessary(part)


def _covered(connection: Connection, definition: Definition) -> list[int]:
    """Return the rows of the collections that the scope covers."""
    scope = definition.scope
    rows = connection.execute(
        select(_collections.id, _collections.name, _collections.type).where(
            _collections.container_id == find_container(connection, scope.container)
        )
    )
    return [
        row.id
        for row in rows
        if scope.covers(CollectionReference(container=scope.container, name=row.name), row.type)
    ]
