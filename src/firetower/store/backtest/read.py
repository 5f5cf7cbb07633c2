"""Reading the events that would have fired a definition."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, select

from firetower.core.automations import Definition
from firetower.core.backtest import Occurrence
from firetower.core.filters.nodes import All, Node, predicates
from firetower.core.json import parse_object
from firetower.core.references import CollectionReference
from firetower.store import schema
from firetower.store.backtest.judge import COLUMNS, MANY, Known
from firetower.store.backtest.pieces import Pieces
from firetower.store.backtest.query import (
    METADATA_JSON,
    columns_of,
    select_occurrences,
    select_passing,
)
from firetower.store.backtest.verdicts import Logic
from firetower.store.catalog.lookups import find_container
from firetower.store.collection_cache import CachedCollection
from firetower.store.types import EPOCH

_collections, _events = schema.collections.c, schema.events.c
_YES = 2

_metadata = lru_cache(maxsize=256)(parse_object)
"""A version that many events are about is parsed once."""


@dataclass(slots=True)
class _Version:
    index: int
    metadata: dict[str, JsonValue]


@dataclass(slots=True)
class _Subject:
    """As much of an event as a filter is tested on."""

    author: str
    collection: CollectionReference
    artifact_type: str
    version: _Version | None
    alias: str | None
    tag: str | None


def read_matching(
    connection: Connection,
    definition: Definition,
    since: datetime,
    until: datetime,
    wanted: Callable[[], bool] = lambda: True,
) -> Iterator[Occurrence]:
    """Yield the events of [`since`, `until`] that match a definition, the oldest first.

    Raises NotFound for its container, and Cancelled as soon as `wanted` says no.
    """
    covered, inside = _covered(connection, definition)
    if not covered:
        return
    conditions = (_events.type == definition.event_type.value, inside)
    recorded = _events.recorded_at.between(since, until)
    pieces = Pieces.of(connection, conditions, recorded, wanted)
    root = definition.filter.root
    if isinstance(root, All) and not root.parts:
        for event_id, at, cause in pieces.rows(pieces.narrow(select_occurrences())):
            yield event_id, EPOCH + timedelta(0, 0, at), cause
        return
    logic = Logic(is_sqlite=connection.dialect.name == "sqlite")
    yield from _passing(pieces, root, Known(logic, covered, _few(pieces, root)))


def _passing(pieces: Pieces, root: Node, known: Known) -> Iterator[Occurrence]:
    """Yield what passes a filter; where SQL is in doubt it is tested here."""
    rows = pieces.rows(select_passing(pieces, known, root))
    asked = columns_of(root)
    for event_id, at, cause, verdict, *values in rows:
        if verdict == _YES or root.holds(_subject(dict(zip(asked, values, strict=True)), known)):
            yield event_id, EPOCH + timedelta(0, 0, at), cause


def _subject(values: Mapping[str, Any], known: Known) -> _Subject:
    index, metadata = values.get("version_index"), values.get(METADATA_JSON)
    collection = known.covered[values["collection_id"]]
    version = None
    if index is not None or metadata is not None:
        version = _Version(index or 0, _metadata(metadata or "{}"))
    return _Subject(
        values.get("author", ""),
        collection.reference,
        collection.type,
        version,
        values.get("alias"),
        values.get("tag"),
    )


def _few(pieces: Pieces, root: Node) -> dict[str, list[Any]]:
    """Return the distinct values of the columns that a regex is for, where there are few."""
    fields = {one.field for one in predicates(root) if one.operator == "$regex"}
    found = {field: _distinct(pieces, field) for field in fields & COLUMNS.keys()}
    return {field: values for field, values in found.items() if values is not None}


def _distinct(pieces: Pieces, field: str) -> list[Any] | None:
    column = _events[field]
    query = select(column).where(column.is_not(None)).distinct().limit(MANY + 1)
    values: set[Any] = set()
    for (value,) in pieces.rows(pieces.narrow(query)):
        values.add(value)
        if len(values) > MANY:
            return None
    return sorted(values)


def _covered(
    connection: Connection, definition: Definition
) -> tuple[dict[int, CachedCollection], ColumnElement[bool]]:
    """Return the collections that the scope covers, and the condition on their events."""
    scope = definition.scope
    inside = _collections.container_id == find_container(connection, scope.container)
    query = select(_collections.id, _collections.name, _collections.type).where(inside)
    covered, everywhere = {}, True
    for number, name, type_ in connection.execute(query):
        reference = CollectionReference(container=scope.container, name=name)
        if scope.covers(reference, type_):
            covered[number] = CachedCollection(reference, type_)
        else:
            everywhere = False
    among = select(_collections.id).where(inside) if everywhere else list(covered)
    return covered, _events.collection_id.in_(among)
