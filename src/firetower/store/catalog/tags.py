"""Tags: labels on versions and collections."""

from collections.abc import Iterable

from sqlalchemy import Table

from firetower.core.errors import NotFound
from firetower.core.events import EventType
from firetower.core.references import CollectionReference, VersionReference, check_name
from firetower.core.text import visible
from firetower.store import catalog_schema as schema
from firetower.store.catalog.lookups import (
    FoundCollection,
    FoundVersion,
    find_collection,
    find_version,
)
from firetower.store.changes import Change

Target = VersionReference | CollectionReference


def add_tags(change: Change, target: Target, tags: Iterable[str]) -> None:
    """Put tags on a version or a collection; those it has stay. Raises NotFound, InvalidInput."""
    checked = [check_name(tag, "tag") for tag in tags]
    found = _find(change, target)
    for tag in checked:
        put_tag(change, found, tag)


def remove_tags(change: Change, target: Target, tags: Iterable[str]) -> None:
    """Take tags off a version or a collection. Raises NotFound for one it does not have."""
    checked = [check_name(tag, "tag") for tag in tags]
    found = _find(change, target)
    for tag in checked:
        if not drop_tag(change, found, tag):
            raise NotFound(
                f"{visible(str(found.reference))} has no tag {visible(tag)}",
                "See its tags with `firetower show`.",
            )


def _find(change: Change, target: Target) -> FoundVersion | FoundCollection:
    if isinstance(target, VersionReference):
        return find_version(change.connection, target, lock=True)
    return find_collection(change.connection, target, lock=True)


def put_tag(change: Change, found: FoundVersion | FoundCollection, tag: str) -> None:
    """Put one tag on a version or a collection."""
    table, key = _table_and_key(found)
    if change.insert_if_new(table, **key, tag=tag) is None:
        return
    if isinstance(found, FoundVersion):
        collection, version = found.collection.id, found.key
        change.record(EventType.ADD_ARTIFACT_TAG, collection, version=version, tag=tag)
    else:
        change.record(EventType.ADD_COLLECTION_TAG, found.id, tag=tag)


def drop_tag(change: Change, found: FoundVersion | FoundCollection, tag: str) -> bool:
    """Take one tag off a version or a collection; return whether it had it."""
    table, key = _table_and_key(found)
    if not change.connection.execute(table.delete().filter_by(**key, tag=tag)).rowcount:
        return False
    if isinstance(found, FoundVersion):
        collection, version = found.collection.id, found.key
        change.record(EventType.REMOVE_ARTIFACT_TAG, collection, version=version, tag=tag)
    else:
        change.record(EventType.REMOVE_COLLECTION_TAG, found.id, tag=tag)
    return True


def _table_and_key(found: FoundVersion | FoundCollection) -> tuple[Table, dict[str, int]]:
    if isinstance(found, FoundVersion):
        return schema.version_tags, found.membership
    return schema.collection_tags, {"collection_id": found.id}
