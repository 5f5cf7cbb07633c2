"""Registries, projects and their collections."""

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, ScalarSelect, column, func, select, table

from firetower.core.catalog import Collection, Container
from firetower.core.errors import Conflict, InvalidInput
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.text import quoted, shell_word, shortened, visible
from firetower.store import catalog_schema as schema
from firetower.store.catalog.lookups import (
    HAS_VERSIONS,
    FoundCollection,
    collection_row,
    find_collection,
    find_container,
)
from firetower.store.changes import Change, Reader

_containers, _collections = schema.containers.c, schema.collections.c
# Its columns by name: to import its table takes a while.
_revisions = table("revisions", *map(column, ("container_id", "until_event_id", "mode")))


def _count(rows: FromClause, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows).where(*conditions).scalar_subquery()


_IN_CONTAINER = _collections.container_id == _containers.id
_CURRENT = (
    _revisions.c.container_id == _containers.id,
    _revisions.c.until_event_id.is_(None),
    _revisions.c.mode != "deleted",
)
_VERSIONS = schema.memberships.join(schema.collections)
_CONTAINERS = select(
    schema.containers,
    _count(schema.collections, _IN_CONTAINER, HAS_VERSIONS).label("collection_count"),
    _count(_VERSIONS, _IN_CONTAINER).label("version_count"),
    _count(_revisions, *_CURRENT).label("automation_count"),
)

_RESERVED = ContainerReference.entity_named(ContainerReference.organization().name)


def create_container(change: Change, reference: ContainerReference, description: str = "") -> None:
    """Make a registry or a project. Raises Conflict."""
    if not ensure_container(change, reference, description):
        raise Conflict(
            f"{reference.kind} {visible(str(reference))} exists already",
            f"See it with `firetower {reference.kind} show {shell_word(str(reference))}`.",
        )


def describe_container(change: Change, reference: ContainerReference, description: str) -> None:
    """Set the description of a registry or project. Raises NotFound."""
    is_it = _containers.id == find_container(change, reference)
    query = schema.containers.update().where(is_it)
    change.connection.execute(query.values(description=description))


def ensure_container(change: Change, reference: ContainerReference, description: str = "") -> bool:
    """Make a registry or project, and its entity, unless there is one; return if it was new.

    Raises InvalidInput for a new entity of the organization's name.
    """
    key = change.insert_if_new(
        schema.containers,
        kind=reference.kind.value,
        entity=reference.entity,
        name=reference.name,
        description=description,
        author=change.author,
        created_at=change.now,
    )
    if key is not None and reference == _RESERVED:
        raise InvalidInput(
            f"{reference} is the organization's name, so no entity can have it", "Choose another."
        )
    if key is not None and reference.entity:
        ensure_container(change, ContainerReference.entity_named(reference.entity))
    return key is not None


def ensure_collection(
    change: Change, reference: CollectionReference, type_: str
) -> FoundCollection:
    """Return a collection of a type, made if it is new, locked for this change.

    Raises NotFound for an unknown registry, and InvalidInput for a second type.
    """
    found = collection_row(change, reference, lock=True)
    if found is None:
        if reference.container.kind is ContainerKind.PROJECT:
            ensure_container(change, reference.container)
        change.insert_if_new(
            schema.collections,
            container_id=find_container(change, reference.container),
            name=reference.name,
            type=type_,
            author=change.author,
            created_at=change.now,
            next_index=0,
        )
        found = find_collection(change, reference, lock=True)
    check_type(found, type_)
    return found


def check_type(collection: FoundCollection, type_: str) -> None:
    """Raise InvalidInput where a collection holds versions of another type."""
    if collection.type != type_:
        raise InvalidInput(
            f"{visible(str(collection.reference))} holds versions of type "
            f"{quoted(collection.type)}, not {quoted(shortened(type_, 40))}",
            "Its first version fixed the type; use that type or another collection.",
        )


def list_containers(reader: Reader, kind: ContainerKind) -> list[Container]:
    """Return every container of a kind by name."""
    query = _CONTAINERS.where(_containers.kind == kind.value)
    rows = reader.connection.execute(query.order_by(_containers.entity, _containers.name))
    return [_container(row) for row in rows]


def show_container(reader: Reader, reference: ContainerReference) -> Container:
    """Return one container. Raises NotFound."""
    query = _CONTAINERS.where(_containers.id == find_container(reader, reference))
    return _container(reader.connection.execute(query).one())


def _container(row: Row[Any]) -> Container:
    return Container(
        reference=ContainerReference(kind=row.kind, entity=row.entity, name=row.name),
        description=row.description,
        author=row.author,
        created_at=row.created_at,
        collections=row.collection_count,
        versions=row.version_count,
        automations=row.automation_count,
    )


def list_collections(reader: Reader, container: ContainerReference) -> list[Collection]:
    """Return a container's collections with versions by name. Raises NotFound."""
    found = find_container(reader, container)
    tags: dict[int, list[str]] = defaultdict(list)
    for collection_id, tag in reader.connection.execute(
        select(schema.collection_tags)
        .join(schema.collections)
        .where(_collections.container_id == found)
        .order_by(schema.collection_tags.c.tag)
    ):
        tags[collection_id].append(tag)
    count = _count(schema.memberships, schema.memberships.c.collection_id == _collections.id)
    rows = reader.connection.execute(
        select(schema.collections, count.label("version_count"))
        .where(_collections.container_id == found, HAS_VERSIONS)
        .order_by(_collections.name)
    )
    return [
        Collection(
            reference=CollectionReference(container=container, name=row.name),
            type=row.type,
            author=row.author,
            created_at=row.created_at,
            versions=row.version_count,
            tags=tuple(tags[row.id]),
        )
        for row in rows
    ]
