"""Finding containers, collections and versions by reference; errors that suggest others."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    exists,
    func,
    select,
    true,
    tuple_,
)

from firetower.core.errors import NotFound
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    VersionReference,
)
from firetower.core.text import shell_word, suggest, visible
from firetower.store import catalog_schema as schema
from firetower.store.changes import Reader
from firetower.store.driver import Prepared

_MAX_INDEX = 2**31 - 1
"""The largest index a column holds."""

_containers, _collections = schema.containers.c, schema.collections.c
_memberships, _aliases = schema.memberships.c, schema.aliases.c
_events = schema.events.c

_IS_IT = (
    _containers.kind == bindparam("kind"),
    _containers.entity == bindparam("entity"),
    _containers.name == bindparam("container"),
)
_CONTAINER = Prepared(select(_containers.id).where(*_IS_IT))
_FIND = (
    select(_collections.id, _collections.type, _collections.next_index)
    .join_from(schema.containers, schema.collections, _collections.container_id == _containers.id)
    .where(*_IS_IT, _collections.name == bindparam("collection"))
)
_VERSION = _FIND.add_columns(_memberships.version_index, _memberships.version_id).where(
    _memberships.collection_id == _collections.id
)
_FIND_INDEX = _VERSION.where(_memberships.version_index == bindparam("index"))
_FIND_ALIAS = _VERSION.where(
    _aliases.collection_id == _collections.id,
    _aliases.alias == bindparam("alias"),
    _aliases.version_index == _memberships.version_index,
)


def _prepared(query: Select[Any]) -> dict[bool, Prepared]:
    """Return a query by whether it locks the collection."""
    return {False: Prepared(query), True: Prepared(query.with_for_update(of=schema.collections))}


_COLLECTION = _prepared(_FIND)
_BY_INDEX, _BY_ALIAS = _prepared(_FIND_INDEX), _prepared(_FIND_ALIAS)

HAS_VERSIONS = exists().where(_memberships.collection_id == _collections.id)
"""Whether a collection has versions: without any it was deleted, or its last link was removed."""


@dataclass(frozen=True, slots=True)
class FoundCollection:
    """A collection and its row's number."""

    id: int
    type: str
    next_index: int
    reference: CollectionReference


@dataclass(frozen=True, slots=True)
class FoundVersion:
    """A version in one collection, and its row's number."""

    collection: FoundCollection
    index: int
    version_id: int

    @property
    def key(self) -> tuple[int, int]:
        """The version's row and its index, as events carry them."""
        return self.version_id, self.index

    @property
    def membership(self) -> dict[str, int]:
        """The columns by which its aliases and tags name it."""
        return {"collection_id": self.collection.id, "version_index": self.index}

    @property
    def reference(self) -> str:
        """The full reference by index."""
        return f"{self.collection.reference}:v{self.index}"


def find_container(reader: Reader, reference: ContainerReference) -> int:
    """Return the row of a container. Raises NotFound."""
    if (found := _CONTAINER.first(reader.connection, **_key(reference))) is not None:
        return int(found.id)
    others = reader.connection.execute(
        select(_containers.entity, _containers.name).where(_containers.kind == reference.kind.value)
    )
    names = [f"{entity}/{name}" if entity else name for entity, name in others]
    match reference.kind:
        case ContainerKind.REGISTRY:
            make = f"Make it with `firetower registry create {shell_word(reference.name)}`."
        case ContainerKind.ENTITY:
            make = "Its first project makes it: `firetower project create ENTITY/PROJECT`."
        case _:
            make = "Logging a version into it makes it, and so does `firetower project create`."
    raise NotFound(
        f"there is no {reference.kind} {visible(str(reference))}",
        suggest(str(reference), names, make),
    )


def _key(reference: ContainerReference) -> dict[str, str]:
    return {"kind": reference.kind.value, "entity": reference.entity, "container": reference.name}


def is_covered_by(reference: ContainerReference) -> ColumnElement[bool]:
    """Return the condition that a container's row is one that `reference` covers."""
    match reference.kind:
        case ContainerKind.ORGANIZATION:
            return true()
        case ContainerKind.ENTITY:
            return _containers.entity == reference.name
    values = reference.kind.value, reference.entity, reference.name
    return tuple_(_containers.kind, _containers.entity, _containers.name) == values


def select_containers_in(reference: ContainerReference) -> Select[int]:
    """Return the query of the rows of a container and of those that it covers."""
    return select(_containers.id).where(is_covered_by(reference))


def select_covering(containers: Select[int]) -> Select[int]:
    """Return the query of some containers' rows, and of those that cover them."""
    entities = select(_containers.entity).where(_containers.id.in_(containers))
    return select(_containers.id).where(
        _containers.id.in_(containers)
        | (_containers.kind == ContainerKind.ORGANIZATION.value)
        | ((_containers.kind == ContainerKind.ENTITY.value) & _containers.name.in_(entities))
    )


def select_collections_in(reference: ContainerReference) -> Select[int]:
    """Return the query of the rows of the collections that a container holds or covers."""
    query = select(_collections.id)
    if reference.kind is ContainerKind.ORGANIZATION:
        return query
    return query.where(_collections.container_id.in_(select_containers_in(reference)))


def happened_in(reference: ContainerReference) -> ColumnElement[bool]:
    """Return the condition that an event happened in a container, or in one that it covers."""
    if reference.kind is ContainerKind.ORGANIZATION:
        return true()
    containers, inside = select_containers_in(reference), select_collections_in(reference)
    return _events.collection_id.in_(inside) | _events.container_id.in_(containers)


def collection_row(
    reader: Reader, reference: CollectionReference, *, lock: bool = False
) -> FoundCollection | None:
    """Return a collection's row, or None; `lock` keeps other changes of it waiting."""
    values = {**_key(reference.container), "collection": reference.name}
    row = _COLLECTION[lock].first(reader.connection, **values)
    return None if row is None else FoundCollection(row.id, row.type, row.next_index, reference)


def find_collection(
    reader: Reader, reference: CollectionReference, *, lock: bool = False
) -> FoundCollection:
    """Return a collection's row. Raises NotFound."""
    found = collection_row(reader, reference, lock=lock)
    if found is not None:
        return found
    container = find_container(reader, reference.container)
    query = select(_collections.name).where(_collections.container_id == container, HAS_VERSIONS)
    names = reader.connection.execute(query).scalars()
    kind = reference.container.kind
    verb = "Linking" if kind is ContainerKind.REGISTRY else "Logging"
    make = f"{verb} a version into it makes it."
    raise NotFound(
        f"{kind} {visible(str(reference.container))} has no collection {visible(reference.name)}",
        suggest(reference.name, names, make),
    )


def find_version(
    reader: Reader, reference: VersionReference, *, lock: bool = False
) -> FoundVersion:
    """Return a version's row in its collection. Raises NotFound."""
    values = {**_key(reference.collection.container), "collection": reference.collection.name}
    if reference.index is None:
        row = _BY_ALIAS[lock].first(reader.connection, **values, alias=reference.selector)
    else:
        index = min(reference.index, _MAX_INDEX)
        row = _BY_INDEX[lock].first(reader.connection, **values, index=index)
    if row is None:
        raise _no_version(reader, reference, find_collection(reader, reference.collection))
    collection = FoundCollection(row.id, row.type, row.next_index, reference.collection)
    return FoundVersion(collection, row.version_index, row.version_id)


def _no_version(
    reader: Reader, reference: VersionReference, collection: FoundCollection
) -> NotFound:
    where = visible(str(reference.collection))
    if reference.index is not None:
        indices = _memberships.version_index
        query = select(func.max(indices)).where(_memberships.collection_id == collection.id)
        newest = reader.connection.execute(query).scalar()
        hint = "It has no versions." if newest is None else f"Its newest is v{newest}."
        return NotFound(f"{where} has no version {reference.selector}", hint)
    some = select(_aliases.alias).where(_aliases.collection_id == collection.id)
    names = reader.connection.execute(some.order_by(_aliases.alias).limit(20)).scalars().all()
    hint = f"It has {', '.join(map(visible, names))}." if names else "It has none; use :v0."
    return NotFound(f"{where} has no alias {visible(reference.selector)}", hint)
