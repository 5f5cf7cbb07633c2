"""Collections by their row numbers: facts that never change, so they are read once."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from firetower.core.references import CollectionReference, ContainerReference
from firetower.store import schema


@dataclass(frozen=True, slots=True)
class CachedCollection:
    """What never changes about a collection."""

    reference: CollectionReference
    type: str


class CollectionCache:
    """The collections met so far."""

    def __init__(self) -> None:
        self._known: dict[int, CachedCollection] = {}
        self._containers: dict[int, ContainerReference] = {}

    def get(self, connection: Connection, collection_id: int) -> CachedCollection:
        """Return a collection by its row number."""
        self.learn(connection, (collection_id,))
        return self._known[collection_id]

    def learn(self, connection: Connection, collection_ids: Iterable[int]) -> None:
        """Read those of the collections that were not met before."""
        missing = set(collection_ids) - self._known.keys()
        if not missing:
            return
        collections, containers = schema.collections.c, schema.containers.c
        rows = connection.execute(
            select(
                collections.id,
                collections.name,
                collections.type,
                collections.container_id,
                containers.kind,
                containers.entity,
                containers.name.label("container"),
            )
            .join_from(
                schema.collections, schema.containers, collections.container_id == containers.id
            )
            .where(collections.id.in_(missing))
        )
        for row in rows:
            container = self._containers.get(row.container_id)
            if container is None:
                container = ContainerReference(kind=row.kind, entity=row.entity, name=row.container)
                self._containers[row.container_id] = container
            reference = CollectionReference(container=container, name=row.name)
            self._known[row.id] = CachedCollection(reference, row.type)

    def __getitem__(self, collection_id: int) -> CachedCollection:
        return self._known[collection_id]
