"""The query of the events that a filter lets through, or may let through."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, case, select, type_coerce

from firetower.core.filters.fields import METADATA
from firetower.core.filters.nodes import All, Node, predicates
from firetower.store import schema
from firetower.store.backtest import values
from firetower.store.backtest.judge import Columns, Judge, Known, Path, metadata_path
from firetower.store.backtest.pieces import Pieces
from firetower.store.backtest.verdicts import DOUBT, NO, Verdict
from firetower.store.events import WITH_VERSIONS

_events, _versions = schema.events.c, schema.versions.c

METADATA_JSON = "metadata_json"
_OCCURRENCE = ("id", "recorded_at", "cause")
_COLUMNS = {
    "collection": "collection_id",
    "artifact_type": "collection_id",
    METADATA: METADATA_JSON,
}
"""The columns that fields are read from which have no column of their name."""
_MOST_PREDICATES = 40
"""A filter of more is tested in Python alone: the databases bound what a query can say."""


def columns_of(root: Node) -> list[str]:
    """Return the columns that a filter is tested on in Python."""
    fields = {one.field.partition(".")[0] for one in predicates(root)}
    return sorted({"collection_id", *(_COLUMNS.get(field, field) for field in fields)})


def select_occurrences() -> Select[Any]:
    """Return the query of what deciding a firing takes of an event; `recorded_at` as a number."""
    return select(*_named(_events, _OCCURRENCE)).order_by(_events.id)


def select_passing(pieces: Pieces, known: Known, root: Node) -> Select[Any]:
    """Return the query of the events that pass a filter or may, in order.

    Its columns are an occurrence, the verdict, and `columns_of` the filter. The metadata is read
    of those in doubt alone.
    """
    asked = columns_of(root)
    if METADATA_JSON in asked:
        judge = _judge_metadata(pieces, known, root)
    else:
        judge = Judge(known, _events, {})
    verdict = _verdict(root, judge).label("verdict")
    query = select(*_named(judge.columns, (*_OCCURRENCE, *asked)), verdict)
    judged = _computed(query if METADATA_JSON in asked else pieces.narrow(query)).c
    in_doubt = {METADATA_JSON: case((judged.verdict == DOUBT, judged.get(METADATA_JSON)))}
    return (
        select(*_named(judged, (*_OCCURRENCE, "verdict")))
        .add_columns(*(in_doubt.get(name, judged[name]) for name in asked))
        .where(judged.verdict > NO)
        .order_by(judged.id)
    )


def _judge_metadata(pieces: Pieces, known: Known, root: Node) -> Judge:
    """Return the judge over a query that takes each row's metadata apart once.

    What can be told without it is told before.
    """
    is_sqlite = known.logic.is_sqlite
    paths = _readable_paths(root, is_sqlite=is_sqlite)
    asked = [name for name in columns_of(root) if name != METADATA_JSON]
    metadata = _versions.metadata_json
    document = values.readable_json(metadata, is_sqlite=is_sqlite).label("document")
    events = select(*_named(_events, (*_OCCURRENCE, *asked)), metadata, document)
    for part in root.parts if isinstance(root, All) else ():
        if METADATA_JSON not in columns_of(part):
            events = events.where(_verdict(part, Judge(known, _events, {})) > NO)
    documents = _computed(pieces.narrow(events.select_from(WITH_VERSIONS)))
    read: list[ColumnElement[Any]] = []
    for number, path in enumerate(paths):
        kind = values.json_kind(documents.c.document, path, is_sqlite=is_sqlite)
        value = values.json_value(documents.c.document, path, is_sqlite=is_sqlite)
        read += kind.label(f"kind_{number}"), value.label(f"value_{number}")
    columns = _computed(select(documents, *read)).c
    found = {
        path: values.in_json(columns[f"kind_{n}"], columns[f"value_{n}"], is_sqlite=is_sqlite)
        for n, path in enumerate(paths)
    }
    unreadable = and_(columns.document.is_(None), columns.metadata_json.is_not(None))
    return Judge(known, columns, found, unreadable)


def _verdict(node: Node, judge: Judge) -> Verdict:
    if sum(1 for _ in predicates(node)) > _MOST_PREDICATES:
        return DOUBT
    return judge.known.logic.of(node, judge)


def _readable_paths(root: Node, *, is_sqlite: bool) -> list[Path]:
    """Return the paths that SQL reads for a filter's predicates on metadata."""
    paths: set[Path] = set()
    for predicate in predicates(root):
        path = metadata_path(predicate)
        if path is not None and values.is_readable(path, is_sqlite=is_sqlite):
            paths |= {path, *values.dotted_paths(path)}
    return sorted(paths)


def _named(columns: Columns, names: Iterable[str]) -> list[ColumnElement[Any]]:
    """Return columns by their names; a moment as its number, for a million are read."""
    return [
        type_coerce(column, BigInteger).label(column.key) if column.key == "recorded_at" else column
        for column in (columns[name] for name in names)
    ]


def _computed(query: Select[Any]) -> Subquery:
    """Return a subquery whose columns are computed once: an offset keeps it from being merged."""
    return query.offset(0).subquery()
