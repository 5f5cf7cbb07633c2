"""Finding anything by a part of its name, a few of each kind."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true

from firetower.core.catalog import Found, FoundKind
from firetower.core.references import ContainerKind, one_spelling
from firetower.store import run_schema, schema
from firetower.store.catalog.lookups import HAS_VERSIONS
from firetower.store.changes import Reader

MAX_OF_KIND = 20
"""Things found of one kind."""
_MAX_TEXT = 200
"""Characters of a search that are read."""
_INDEX = re.compile(r"[vV]?(\d{1,9})", re.ASCII)
_NUMBER = re.compile(r"#?(\d{1,18})", re.ASCII)

_containers, _collections = schema.containers.c, schema.collections.c
_aliases, _memberships = schema.aliases.c, schema.memberships.c
_automations, _endpoints = schema.automations.c, schema.endpoints.c
_executions, _revisions = schema.executions.c, schema.revisions.c
_runs = run_schema.runs.c

_CONTAINER: ColumnElement[str] = case(
    (_containers.entity == "", _containers.name), else_=_containers.entity + "/" + _containers.name
)
_COLLECTION = _CONTAINER + "/" + _collections.name
_IN_CONTAINERS = schema.collections.join(
    schema.containers, _containers.id == _collections.container_id
)


def search(reader: Reader, text: str) -> list[Found]:
    """Return what has every word of a text in its name, the shortest names of each kind first.

    `resnet:v3` finds versions by index, `resnet:prod` and `prod` by alias, `#12` an execution.
    """
    words = one_spelling(text[:_MAX_TEXT]).split()
    if not words:
        return []
    found = [*_executions_of(reader, text), *_automations_of(reader, words)]
    found += _endpoints_of(reader, words)
    if ":" in words[-1]:
        return [*found, *_versions_of(reader, words)]
    return [
        *found,
        *_containers_of(reader, words),
        *_collections_of(reader, words),
        *_aliases_of(reader, words),
        *_runs_of(reader, words),
    ]


def _has(column: ColumnElement[str], words: Sequence[str]) -> ColumnElement[bool]:
    contains = partial(column.icontains, autoescape=True)
    return and_(true(), *(or_(*map(contains, _spellings(word))) for word in words))


def _spellings(word: str) -> set[str]:
    """Return the ways in which a word may be written: databases may know ASCII's capitals alone."""
    return {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}


def _first(query: Select[Any], name: ColumnElement[str]) -> Select[Any]:
    return query.order_by(func.length(name), name).limit(MAX_OF_KIND)


def _executions_of(reader: Reader, text: str) -> Iterator[Found]:
    number = _NUMBER.fullmatch(text.strip())
    if number is None:
        return
    query = (
        select(_executions.id, _automations.name)
        .join_from(
            schema.executions, schema.automations, _automations.id == _executions.automation_id
        )
        .where(_executions.id == int(number[1]))
    )
    for key, name in reader.connection.execute(query):
        yield Found(FoundKind.EXECUTION, str(key), f"#{key}", note=f"of {name}")


def _automations_of(reader: Reader, words: Sequence[str]) -> Iterator[Found]:
    query = (
        select(_automations.name, _containers.kind, _CONTAINER)
        .join_from(
            schema.automations,
            schema.revisions,
            and_(_revisions.automation_id == _automations.id, _revisions.until_event_id.is_(None)),
        )
        .join(schema.containers, _containers.id == _revisions.container_id)
        .where(_automations.deleted_at.is_(None), _has(_automations.name, words))
    )
    for name, kind, container in reader.connection.execute(_first(query, _automations.name)):
        of = ContainerKind(kind)
        kind_words = "the" if of is ContainerKind.ORGANIZATION else of
        yield Found(FoundKind.AUTOMATION, name, name, of, f"in {kind_words} {container}")


def _endpoints_of(reader: Reader, words: Sequence[str]) -> Iterator[Found]:
    query = select(_endpoints.name, _endpoints.kind).where(
        _endpoints.deleted_at.is_(None), _has(_endpoints.name, words)
    )
    for name, kind in reader.connection.execute(_first(query, _endpoints.name)):
        yield Found(FoundKind.ENDPOINT, name, name, note=kind)


def _containers_of(reader: Reader, words: Sequence[str]) -> Iterator[Found]:
    query = select(_CONTAINER, _containers.kind).where(_has(_CONTAINER, words))
    for name, kind in reader.connection.execute(_first(query, _CONTAINER)):
        yield Found(FoundKind.CONTAINER, name, name, ContainerKind(kind))


def _collections_of(reader: Reader, words: Sequence[str]) -> Iterator[Found]:
    query = select(_COLLECTION, _collections.type).select_from(_IN_CONTAINERS)
    query = query.where(_has(_COLLECTION, words), HAS_VERSIONS)
    for name, type_ in reader.connection.execute(_first(query, _COLLECTION)):
        yield Found(FoundKind.COLLECTION, name, name, note=type_)


def _runs_of(reader: Reader, words: Sequence[str]) -> Iterator[Found]:
    """Yield runs by their names or ids, the newest first."""
    label = _CONTAINER + "/" + _runs.name
    query = (
        select(_CONTAINER, _runs.run_id, _runs.name, _runs.state)
        .join_from(run_schema.runs, schema.containers, _containers.id == _runs.project_id)
        .where(_has(label + " " + _runs.run_id, words))
        .order_by(_runs.started_at.desc(), _runs.id.desc())
    )
    for project, run_id, name, state in reader.connection.execute(query.limit(MAX_OF_KIND)):
        said = state if name == run_id else f"{run_id}, {state}"
        yield Found(FoundKind.RUN, f"{project}/{run_id}", f"{project}/{name}", note=said)


def _versions_of(reader: Reader, words: Sequence[str]) -> Iterator[Found]:
    """Yield versions whose collection has the words before the colon, by index or alias."""
    before, _, after = words[-1].rpartition(":")
    parts = [*words[:-1], before]
    if index := _INDEX.fullmatch(after):
        query = select(_COLLECTION, _memberships.version_index).select_from(
            _IN_CONTAINERS.join(schema.memberships, _memberships.collection_id == _collections.id)
        )
        query = query.where(_memberships.version_index == int(index[1]), _has(_COLLECTION, parts))
        for name, number in reader.connection.execute(_first(query, _COLLECTION)):
            yield Found(FoundKind.VERSION, f"{name}:v{number}", f"{name}:v{number}")
    yield from _aliases_of(reader, [*parts, after])


def _aliases_of(reader: Reader, words: Sequence[str]) -> Iterator[Found]:
    """Yield versions by their aliases: the last word is the alias's."""
    query = select(_COLLECTION, _aliases.alias, _aliases.version_index).select_from(
        _IN_CONTAINERS.join(schema.aliases, _aliases.collection_id == _collections.id)
    )
    query = query.where(_has(_aliases.alias, words[-1:]), _has(_COLLECTION, words[:-1]))
    ranked = query.order_by(func.length(_aliases.alias), _aliases.alias, _COLLECTION).limit(
        MAX_OF_KIND
    )
    for name, alias, number in reader.connection.execute(ranked):
        yield Found(FoundKind.VERSION, f"{name}:v{number}", f"{name}:{alias}", note=f"v{number}")
