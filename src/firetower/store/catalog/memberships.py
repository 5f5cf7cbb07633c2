"""Versions by their rows, and every collection that they are in."""

from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from firetower.core.errors import NotFound
from firetower.store import catalog_schema as schema
from firetower.store.catalog.lookups import FoundCollection, FoundVersion
from firetower.store.catalog.versions import ARTIFACT_ID_PREFIX
from firetower.store.changes import Reader

_versions, _memberships = schema.versions.c, schema.memberships.c
_collections = schema.collections.c
_FOUND = (
    select(
        _memberships.version_index,
        _memberships.version_id,
        _collections.id,
        _collections.type,
        _collections.next_index,
    )
    .join_from(schema.memberships, schema.collections)
    .order_by(_memberships.created_at, _collections.id)
)


_HOME = _FOUND.where(
    _memberships.version_id == bindparam("version"),
    _memberships.collection_id
    == select(_versions.home_collection_id)
    .where(_versions.id == bindparam("version"))
    .scalar_subquery(),
)
_EVERYWHERE = _FOUND.where(_memberships.version_id == bindparam("version"))


def find_by_key(connection: Connection, key: str) -> int | None:
    """Return the row of the version whose artifact id ends with a key."""
    query = select(_versions.id).where(_versions.artifact_id == f"{ARTIFACT_ID_PREFIX}{key}")
    return connection.execute(query).scalar()


def artifact_key(artifact_id: str) -> str:
    """Return what an artifact id ends with."""
    return artifact_id.removeprefix(ARTIFACT_ID_PREFIX)


def find_home(reader: Reader, version_id: int) -> FoundVersion:
    """Return a version where it was logged. Raises NotFound for one that was deleted."""
    for found in _found(reader, _HOME, version_id):
        return found
    raise NotFound("the version was deleted", "Choose another one.")


def memberships_of(reader: Reader, version_id: int) -> list[FoundVersion]:
    """Return a version in every collection it is in, first where it was logged."""
    return _found(reader, _EVERYWHERE, version_id)


def members_of(reader: Reader, collection: FoundCollection) -> list[FoundVersion]:
    """Return a collection's versions, the newest first."""
    query = select(_memberships.version_index, _memberships.version_id).where(
        _memberships.collection_id == collection.id
    )
    rows = reader.connection.execute(query.order_by(_memberships.version_index.desc()))
    return [FoundVersion(collection, *row) for row in rows]


def _found(reader: Reader, query: Select[Any], version_id: int) -> list[FoundVersion]:
    rows = reader.connection.execute(query, {"version": version_id}).all()
    reader.collections.learn(reader.connection, (row.id for row in rows))
    return [
        FoundVersion(
            FoundCollection(row.id, row.type, row.next_index, reader.collections[row.id].reference),
            row.version_index,
            row.version_id,
        )
        for row in rows
    ]
