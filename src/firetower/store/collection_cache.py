"""Collections by their row numbers: facts that never change, so they are read once."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from firetower.core.references import CollectionReference, ContainerReference
from firetower.store import schema

_collections, _containers = schema.collections.c, schema.containers.c
_QUERY = select(
    _collections.id,
    _collections.name,
    _collections.type,
    _containers.kind,
    _containers.entity,
    _containers.name.label("container"),
).join_from(schema.collections, schema.containers, _collections.container_id == _containers.id)


@dataclass(frozen=True, slots=True)
class CachedCollection:
    """What never changes about a collection."""

    reference: CollectionReference
    type: str


class CollectionCache(dict[int, CachedCollection]):
    """The collections read so far, for all transactions of a store."""

    def learn(self, connection: Connection, collection_ids: Iterable[int]) -> None:
        """Read the collections that are not cached yet."""
        missing = set(collection_ids) - self.keys()
        if not missing:
            return
        for row in connection.execute(_QUERY.where(_collections.id.in_(missing))):
            container = ContainerReference(kind=row.kind, entity=row.entity, name=row.container)
            reference = CollectionReference(container=container, name=row.name)
            self[row.id] = CachedCollection(reference, row.type)
