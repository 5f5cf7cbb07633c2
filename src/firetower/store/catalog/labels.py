"""Aliases and tags: names that move between versions, and labels."""

from collections.abc import Iterable

from sqlalchemy import Table, bindparam, select

from firetower.core.errors import NotFound
from firetower.core.events import EventType
from firetower.core.references import CollectionReference, VersionReference, check_alias, check_name
from firetower.core.text import shell_word, visible
from firetower.store import catalog_schema as schema
from firetower.store.catalog.lookups import (
    FoundCollection,
    FoundVersion,
    find_collection,
    find_version,
)
from firetower.store.changes import Change
from firetower.store.driver import Prepared

_aliases = schema.aliases.c
_IS_IT = (_aliases.collection_id == bindparam("collection")) & (_aliases.alias == bindparam("name"))
_NAMED = Prepared(select(_aliases.version_index).where(_IS_IT))
_MOVE = Prepared(schema.aliases.update().where(_IS_IT).values(version_index=bindparam("index")))


def add_aliases(
    change: Change, reference: VersionReference, aliases: Iterable[str]
) -> tuple[str, ...]:
    """Let aliases name a version, moving those that name another; return those it did not have.

    Raises NotFound, InvalidInput.
    """
    checked = [check_alias(alias) for alias in aliases]
    version = find_version(change, reference, lock=True)
    return tuple(alias for alias in checked if point_alias(change, version, alias))


def point_alias(change: Change, version: FoundVersion, alias: str) -> bool:
    """Let one alias name a version; return whether it did not before."""
    connection, collection = change.connection, version.collection.id
    named = _NAMED.first(connection, collection=collection, name=alias)
    before: int | None = None if named is None else named.version_index
    if before == version.index:
        return False
    if before is None:
        change.insert(schema.aliases, **version.membership, alias=alias)
    else:
        _MOVE.rows(connection, collection=collection, name=alias, index=version.index)
    change.record(
        EventType.ADD_ARTIFACT_ALIAS,
        collection,
        version=version.key,
        alias=alias,
        previous_index=before,
    )
    return True


def remove_aliases(change: Change, reference: VersionReference, aliases: Iterable[str]) -> None:
    """Take aliases off a version. Raises NotFound for one it does not have, InvalidInput."""
    checked = [check_alias(alias) for alias in aliases]
    version = find_version(change, reference, lock=True)
    for alias in checked:
        if not drop_alias(change, version, alias):
            raise NotFound(
                f"{visible(version.reference)} has no alias {visible(alias)}",
                f"See its aliases with `firetower show {shell_word(version.reference)}`.",
            )


def drop_alias(change: Change, version: FoundVersion, alias: str) -> bool:
    """Take one alias off a version; return whether the version had it."""
    query = schema.aliases.delete().filter_by(**version.membership, alias=alias)
    if not change.connection.execute(query).rowcount:
        return False
    change.record(
        EventType.REMOVE_ARTIFACT_ALIAS, version.collection.id, version=version.key, alias=alias
    )
    return True


Target = VersionReference | CollectionReference


def add_tags(change: Change, target: Target, tags: Iterable[str]) -> tuple[str, ...]:
    """Put tags on a version or a collection; return those it did not have.

    Raises NotFound, InvalidInput.
    """
    checked = [check_name(tag, "tag") for tag in tags]
    found = _find(change, target)
    return tuple(tag for tag in checked if put_tag(change, found, tag))


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
        return find_version(change, target, lock=True)
    return find_collection(change, target, lock=True)


def put_tag(change: Change, found: FoundVersion | FoundCollection, tag: str) -> bool:
    """Put one tag on a version or a collection; return whether it did not have it."""
    table, key = _table_and_key(found)
    if change.insert_if_new(table, **key, tag=tag) is None:
        return False
    if isinstance(found, FoundVersion):
        collection, version = found.collection.id, found.key
        change.record(EventType.ADD_ARTIFACT_TAG, collection, version=version, tag=tag)
    else:
        change.record(EventType.ADD_COLLECTION_TAG, found.id, tag=tag)
    return True


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
