"""Finding what a reference names, and saying what is missing."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from firetower.core.errors import NotFound
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    VersionReference,
)
from firetower.core.text import nearest, visible
from firetower.store import tables

_MOST = 2**31 - 1
"""The largest index a column holds."""


@dataclass(frozen=True, slots=True)
class FoundCollection:
    """A collection's row."""

    id: int
    type: str
    next_index: int
    reference: CollectionReference


@dataclass(frozen=True, slots=True)
class FoundVersion:
    """A version's row, in one collection."""

    collection: FoundCollection
    index: int
    version_id: int

    @property
    def key(self) -> tuple[int, int]:
        """The version's row and its index, as events carry them."""
        return self.version_id, self.index

    @property
    def reference(self) -> str:
        """The full reference by index."""
        return f"{self.collection.reference}:v{self.index}"


def container_id(connection: Connection, reference: ContainerReference) -> int | None:
    """Return the row of a registry or project, or None."""
    containers = tables.containers.c
    found: int | None = connection.execute(
        select(containers.id).where(
            containers.kind == reference.kind.value,
            containers.entity == reference.entity,
            containers.name == reference.name,
        )
    ).scalar()
    return found


def find_container(connection: Connection, reference: ContainerReference) -> int:
    """Return the row of a registry or project. Raises NotFound."""
    found = container_id(connection, reference)
    if found is not None:
        return found
    containers = tables.containers.c
    others = connection.execute(
        select(containers.entity, containers.name).where(containers.kind == reference.kind.value)
    )
    names = [f"{entity}/{name}" if entity else name for entity, name in others]
    close = nearest(str(reference), names)
    if reference.kind is ContainerKind.REGISTRY:
        make = f"Make it with `firetower registry create {visible(reference.name)}`."
    else:
        make = "Logging a version into it makes it, and so does `firetower project create`."
    raise NotFound(
        f"there is no {reference.kind} {visible(str(reference))}",
        f"Did you mean {visible(close)}? {make}" if close else make,
    )


def collection_row(
    connection: Connection, reference: CollectionReference, *, lock: bool = False
) -> FoundCollection | None:
    """Return a collection's row, or None; `lock` keeps other changes of it waiting."""
    collections, containers = tables.collections.c, tables.containers.c
    query = (
        select(collections.id, collections.type, collections.next_index)
        .join_from(tables.containers, tables.collections, collections.container_id == containers.id)
        .where(
            containers.kind == reference.container.kind.value,
            containers.entity == reference.container.entity,
            containers.name == reference.container.name,
            collections.name == reference.name,
        )
    )
    if lock:
        query = query.with_for_update(of=tables.collections)
    row = connection.execute(query).one_or_none()
    return None if row is None else FoundCollection(row.id, row.type, row.next_index, reference)


def find_collection(
    connection: Connection, reference: CollectionReference, *, lock: bool = False
) -> FoundCollection:
    """Return a collection's row. Raises NotFound."""
    found = collection_row(connection, reference, lock=lock)
    if found is not None:
        return found
    container = find_container(connection, reference.container)
    collections = tables.collections.c
    names = connection.execute(
        select(collections.name).where(collections.container_id == container)
    ).scalars()
    close = nearest(reference.name, names)
    kind = reference.container.kind
    verb = "Linking" if kind is ContainerKind.REGISTRY else "Logging"
    make = f"{verb} a version into it makes it."
    raise NotFound(
        f"{kind} {visible(str(reference.container))} has no collection {visible(reference.name)}",
        f"Did you mean {visible(close)}? {make}" if close else make,
    )


def find_version(
    connection: Connection, reference: VersionReference, *, lock: bool = False
) -> FoundVersion:
    """Return a version's row in its collection. Raises NotFound."""
    collection = find_collection(connection, reference.collection, lock=lock)
    memberships, aliases = tables.memberships.c, tables.aliases.c
    query = select(memberships.version_index, memberships.version_id).where(
        memberships.collection_id == collection.id
    )
    if reference.index is not None:
        query = query.where(memberships.version_index == min(reference.index, _MOST))
    else:
        query = query.where(
            aliases.collection_id == collection.id,
            aliases.alias == reference.selector,
            aliases.version_index == memberships.version_index,
        )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _no_version(connection, reference, collection)
    return FoundVersion(collection, row.version_index, row.version_id)


def _no_version(
    connection: Connection, reference: VersionReference, collection: FoundCollection
) -> NotFound:
    where = visible(str(reference.collection))
    memberships, aliases = tables.memberships.c, tables.aliases.c
    if reference.index is not None:
        newest = connection.execute(
            select(memberships.version_index)
            .where(memberships.collection_id == collection.id)
            .order_by(memberships.version_index.desc())
            .limit(1)
        ).scalar()
        hint = "It has no versions." if newest is None else f"Its newest is v{newest}."
        return NotFound(f"{where} has no version {reference.selector}", hint)
    names = list(
        connection.execute(
            select(aliases.alias)
            .where(aliases.collection_id == collection.id)
            .order_by(aliases.alias)
            .limit(20)
        ).scalars()
    )
    hint = f"It has {', '.join(map(visible, names))}." if names else "It has none; use :v0."
    return NotFound(f"{where} has no alias {visible(reference.selector)}", hint)
