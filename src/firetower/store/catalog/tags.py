"""Tags: labels on versions and collections."""

from collections.abc import Iterable

from firetower.core.errors import NotFound
from firetower.core.events import EventType
from firetower.core.references import CollectionReference, VersionReference, check_name
from firetower.core.text import visible
from firetower.store import schema
from firetower.store.catalog.lookups import FoundVersion, find_collection, find_version
from firetower.store.changes import Change

_version_tags, _collection_tags = schema.version_tags.c, schema.collection_tags.c
Target = VersionReference | CollectionReference


def add_tags(change: Change, target: Target, tags: Iterable[str]) -> None:
    """Put tags on a version or a collection; those it has stay. Raises NotFound, InvalidInput."""
    checked = [check_name(tag, "tag") for tag in tags]
    if isinstance(target, VersionReference):
        version = find_version(change.connection, target, lock=True)
        for tag in checked:
            tag_version(change, version, tag)
        return
    collection = find_collection(change.connection, target, lock=True)
    for tag in checked:
        if change.insert_if_new(schema.collection_tags, collection_id=collection.id, tag=tag):
            change.record(EventType.ADD_COLLECTION_TAG, collection.id, tag=tag)


def remove_tags(change: Change, target: Target, tags: Iterable[str]) -> None:
    """Take tags off a version or a collection. Raises NotFound for one it does not have."""
    checked = [check_name(tag, "tag") for tag in tags]
    if isinstance(target, VersionReference):
        version = find_version(change.connection, target, lock=True)
        for tag in checked:
            if not untag_version(change, version, tag):
                raise _no_tag(version.reference, tag)
        return
    collection = find_collection(change.connection, target, lock=True)
    for tag in checked:
        removed = change.connection.execute(
            schema.collection_tags.delete().where(
                _collection_tags.collection_id == collection.id, _collection_tags.tag == tag
            )
        )
        if removed.rowcount == 0:
            raise _no_tag(str(target), tag)
        change.record(EventType.REMOVE_COLLECTION_TAG, collection.id, tag=tag)


def tag_version(change: Change, version: FoundVersion, tag: str) -> None:
    """Put one tag on a version."""
    row = {"collection_id": version.collection.id, "version_index": version.index, "tag": tag}
    if change.insert_if_new(schema.version_tags, **row):
        change.record(
            EventType.ADD_ARTIFACT_TAG, version.collection.id, version=version.key, tag=tag
        )


def untag_version(change: Change, version: FoundVersion, tag: str) -> bool:
    """Take one tag off a version; return whether it had it."""
    removed = change.connection.execute(
        schema.version_tags.delete().where(
            _version_tags.collection_id == version.collection.id,
            _version_tags.version_index == version.index,
            _version_tags.tag == tag,
        )
    )
    if removed.rowcount == 0:
        return False
    change.record(
        EventType.REMOVE_ARTIFACT_TAG, version.collection.id, version=version.key, tag=tag
    )
    return True


def _no_tag(where: str, tag: str) -> NotFound:
    return NotFound(
        f"{visible(where)} has no tag {visible(tag)}", "See its tags with `firetower show`."
    )
