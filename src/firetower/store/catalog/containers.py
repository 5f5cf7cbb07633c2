"""Registries, projects and their collections."""

from sqlalchemy import Connection, Select, func, select

from firetower.core.catalog import Collection, Container
from firetower.core.errors import Conflict, InvalidInput
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.text import quoted, shortened, visible
from firetower.store import schema
from firetower.store.catalog.lookups import (
    FoundCollection,
    collection_row,
    container_id,
    find_collection,
    find_container,
)
from firetower.store.changes import Change


def create_container(change: Change, reference: ContainerReference, description: str = "") -> None:
    """Make a registry or a project. Raises Conflict."""
    if not ensure_container(change, reference, description):
        raise Conflict(
            f"{reference.kind} {visible(str(reference))} exists already",
            f"See it with `firetower {reference.kind} show {visible(str(reference))}`.",
        )


def ensure_container(change: Change, reference: ContainerReference, description: str = "") -> bool:
    """Make a registry or a project unless it is there; return whether it was new."""
    return change.insert_if_new(
        schema.containers,
        kind=reference.kind.value,
        entity=reference.entity,
        name=reference.name,
        description=description,
        author=change.author,
        created_at=change.now,
    )


def ensure_collection(
    change: Change, reference: CollectionReference, type_: str
) -> FoundCollection:
    """Return a collection of a type, made if it is new, locked for this change.

    Raises NotFound for an unknown registry, and InvalidInput for a second type.
    """
    found = collection_row(change.connection, reference, lock=True)
    if found is None:
        if reference.container.kind is ContainerKind.PROJECT:
            ensure_container(change, reference.container)
        change.insert_if_new(
            schema.collections,
            container_id=find_container(change.connection, reference.container),
            name=reference.name,
            type=type_,
            author=change.author,
            created_at=change.now,
            next_index=0,
        )
        found = find_collection(change.connection, reference, lock=True)
    if found.type != type_:
        raise InvalidInput(
            f"{visible(str(reference))} holds versions of type {quoted(found.type)}, "
            f"not {quoted(shortened(type_, 40))}",
            "Its first version fixed the type; use that type or another collection.",
        )
    return found


def list_containers(connection: Connection, kind: ContainerKind) -> list[Container]:
    """Return every registry, or every project, by name."""
    containers = schema.containers.c
    query = _containers().where(containers.kind == kind.value)
    rows = connection.execute(query.order_by(containers.entity, containers.name))
    return [_container(row) for row in rows.mappings()]


def show_container(connection: Connection, reference: ContainerReference) -> Container:
    """Return one registry or project. Raises NotFound."""
    found = find_container(connection, reference)
    query = _containers().where(schema.containers.c.id == found)
    return _container(connection.execute(query).mappings().one())


def container_exists(connection: Connection, reference: ContainerReference) -> bool:
    """Return whether there is such a registry or project."""
    return container_id(connection, reference) is not None


def _containers() -> Select[tuple[object, ...]]:
    containers, collections = schema.containers.c, schema.collections.c
    revisions = schema.revisions.c
    in_container = (
        select(func.count())
        .select_from(schema.collections)
        .where(collections.container_id == containers.id)
    )
    versions = (
        select(func.count())
        .select_from(schema.memberships.join(schema.collections))
        .where(collections.container_id == containers.id)
    )
    automations = (
        select(func.count())
        .select_from(schema.revisions)
        .where(
            revisions.container_id == containers.id,
            revisions.until_event_id.is_(None),
            revisions.mode != "deleted",
        )
    )
    return select(
        schema.containers,
        in_container.scalar_subquery().label("collection_count"),
        versions.scalar_subquery().label("version_count"),
        automations.scalar_subquery().label("automation_count"),
    )


def _container(row: object) -> Container:
    values = dict(row)  # type: ignore[call-overload]
    return Container(
        reference=ContainerReference(
            kind=values["kind"], entity=values["entity"], name=values["name"]
        ),
        description=values["description"],
        author=values["author"],
        created_at=values["created_at"],
        collections=values["collection_count"],
        versions=values["version_count"],
        automations=values["automation_count"],
    )


def list_collections(connection: Connection, container: ContainerReference) -> list[Collection]:
    """Return a container's collections by name. Raises NotFound."""
    found = find_container(connection, container)
    collections, memberships = schema.collections.c, schema.memberships.c
    tags: dict[int, list[str]] = {}
    for collection_id, tag in connection.execute(
        select(schema.collection_tags)
        .join(schema.collections)
        .where(collections.container_id == found)
        .order_by(schema.collection_tags.c.tag)
    ):
        tags.setdefault(collection_id, []).append(tag)
    count = (
        select(func.count())
        .select_from(schema.memberships)
        .where(memberships.collection_id == collections.id)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(schema.collections, count.label("version_count"))
        .where(collections.container_id == found)
        .order_by(collections.name)
    )
    return [
        Collection(
            reference=CollectionReference(container=container, name=row.name),
            type=row.type,
            author=row.author,
            created_at=row.created_at,
            versions=row.version_count,
            tags=tuple(tags.get(row.id, ())),
        )
        for row in rows
    ]
