"""Tags: labels on versions and collections."""

from collections.abc import Iterable

from firetower.core.errors import NotFound
from firetower.core.events import EventType
from firetower.core.references import CollectionReference, VersionReference, check_name
from firetower.core.text import visible
from firetower.store import schema
from firetower.store.catalog.lookups import FoundVersion, find_collection, find_version
from firetower.store.changes import Change


def add_version_tags(change: Change, reference: VersionReference, tags: Iterable[str]) -> None:
    """Put tags on a version; those it has stay. Raises NotFound, InvalidInput."""
    checked = [check_name(tag, "tag") for tag in tags]
    version = find_version(change.connection, reference, lock=True)
    for tag in checked:
        tag_version(change, version, tag)


def tag_version(change: Change, version: FoundVersion, tag: str) -> None:
    """Put one tag on a version."""
    new = change.insert_if_new(
        schema.version_tags,
        collection_id=version.collection.id,
        version_index=version.index,
        tag=tag,
    )
    if new:
        change.record(
            EventType.ADD_ARTIFACT_TAG, version.collection.id, version=version.key, tag=tag
        )


def remove_version_tags(change: Change, reference: VersionReference, tags: Iterable[str]) -> None:
    """Take tags off a version. Raises NotFound for one it does not have, InvalidInput."""
    checked = [check_name(tag, "tag") for tag in tags]
    version = find_version(change.connection, reference, lock=True)
    for tag in checked:
        if not untag_version(change, version, tag):
            raise _no_tag(version.reference, tag)


def untag_version(change: Change, version: FoundVersion, tag: str) -> bool:
    """Take one tag off a version; return whether it had it."""
    rows = schema.version_tags.c
    removed = change.connection.execute(
        schema.version_tags.delete().where(
            rows.collection_id == version.collection.id,
            rows.version_index == version.index,
            rows.tag == tag,
        )
    )
    if removed.rowcount == 0:
        return False
    change.record(
        EventType.REMOVE_ARTIFACT_TAG, version.collection.id, version=version.key, tag=tag
    )
    return True


def add_collection_tags(
    change: Change, reference: CollectionReference, tags: Iterable[str]
) -> None:
    """Put tags on a collection; those it has stay. Raises NotFound, InvalidInput."""
    checked = [check_name(tag, "tag") for tag in tags]
    collection = find_collection(change.connection, reference, lock=True)
    for tag in checked:
        if change.insert_if_new(schema.collection_tags, collection_id=collection.id, tag=tag):
            change.record(EventType.ADD_COLLECTION_TAG, collection.id, tag=tag)


def remove_collection_tags(
    change: Change, reference: CollectionReference, tags: Iterable[str]
) -> None:
    """Take tags off a collection. Raises NotFound for one it does not have, InvalidInput."""
    checked = [check_name(tag, "tag") for tag in tags]
    collection = find_collection(change.connection, reference, lock=True)
    rows = schema.collection_tags.c
    for tag in checked:
        removed = change.connection.execute(
            schema.collection_tags.delete().where(
                rows.collection_id == collection.id, rows.tag == tag
            )
        )
        if removed.rowcount == 0:
            raise _no_tag(str(reference), tag)
        change.record(EventType.REMOVE_COLLECTION_TAG, collection.id, tag=tag)


def _no_tag(where: str, tag: str) -> NotFound:
    return NotFound(
        f"{visible(where)} has no tag {visible(tag)}", "See its tags with `firetower show`."
    )
