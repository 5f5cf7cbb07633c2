"""Finding what a reference names, and saying what is missing."""

from dataclasses import dataclass

from sqlalchemy import Connection, Select, bindparam, select

from firetower.core.errors import NotFound
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    VersionReference,
)
from firetower.core.text import nearest, visible
from firetower.store import schema

_MOST = 2**31 - 1
"""The largest index a column holds."""

_containers, _collections = schema.containers.c, schema.collections.c
_memberships, _aliases = schema.memberships.c, schema.aliases.c

# Built once: building them took half of a look-up's time.
_CONTAINER = select(_containers.id).where(
    _containers.kind == bindparam("kind"),
    _containers.entity == bindparam("entity"),
    _containers.name == bindparam("name"),
)
_COLLECTION = (
    select(_collections.id, _collections.type, _collections.next_index)
    .join_from(schema.containers, schema.collections, _collections.container_id == _containers.id)
    .where(
        _containers.kind == bindparam("kind"),
        _containers.entity == bindparam("entity"),
        _containers.name == bindparam("container"),
        _collections.name == bindparam("name"),
    )
)
_COLLECTION_LOCKED = _COLLECTION.with_for_update(of=schema.collections)
_IN_COLLECTION = select(_memberships.version_index, _memberships.version_id).where(
    _memberships.collection_id == bindparam("collection")
)
_BY_INDEX = _IN_COLLECTION.where(_memberships.version_index == bindparam("index"))
_BY_ALIAS = _IN_COLLECTION.where(
    _aliases.collection_id == bindparam("collection"),
    _aliases.alias == bindparam("alias"),
    _aliases.version_index == _memberships.version_index,
)


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
    found: int | None = connection.execute(
        _CONTAINER,
        {"kind": reference.kind.value, "entity": reference.entity, "name": reference.name},
    ).scalar()
    return found


def find_container(connection: Connection, reference: ContainerReference) -> int:
    """Return the row of a registry or project. Raises NotFound."""
    found = container_id(connection, reference)
    if found is not None:
        return found
    containers = schema.containers.c
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


def select_collections_in(container_id: int) -> Select[int]:
    """Return the query of the rows of a container's collections."""
    return select(_collections.id).where(_collections.container_id == container_id)


def collection_row(
    connection: Connection, reference: CollectionReference, *, lock: bool = False
) -> FoundCollection | None:
    """Return a collection's row, or None; `lock` keeps other changes of it waiting."""
    container = reference.container
    row = connection.execute(
        _COLLECTION_LOCKED if lock else _COLLECTION,
        {
            "kind": container.kind.value,
            "entity": container.entity,
            "container": container.name,
            "name": reference.name,
        },
    ).one_or_none()
    return None if row is None else FoundCollection(row.id, row.type, row.next_index, reference)


def find_collection(
    connection: Connection, reference: CollectionReference, *, lock: bool = False
) -> FoundCollection:
    """Return a collection's row. Raises NotFound."""
    found = collection_row(connection, reference, lock=lock)
    if found is not None:
        return found
    container = find_container(connection, reference.container)
    collections = schema.collections.c
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
    if reference.index is None:
        found = connection.execute(
            _BY_ALIAS, {"collection": collection.id, "alias": reference.selector}
        )
    else:
        found = connection.execute(
            _BY_INDEX, {"collection": collection.id, "index": min(reference.index, _MOST)}
        )
    row = found.one_or_none()
    if row is None:
        raise _no_version(connection, reference, collection)
    return FoundVersion(collection, row.version_index, row.version_id)


def _no_version(
    connection: Connection, reference: VersionReference, collection: FoundCollection
) -> NotFound:
    where = visible(str(reference.collection))
    memberships, aliases = schema.memberships.c, schema.aliases.c
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
