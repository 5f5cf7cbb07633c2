"""Aliases: movable names for one version of a collection."""

from collections.abc import Iterable

from sqlalchemy import bindparam, select

from firetower.core.errors import NotFound
from firetower.core.events import EventType
from firetower.core.references import VersionReference, check_alias
from firetower.core.text import visible
from firetower.store import catalog_schema as schema
from firetower.store.catalog.lookups import FoundVersion, find_version
from firetower.store.changes import Change

_aliases = schema.aliases.c
_IS_IT = (_aliases.collection_id == bindparam("collection")) & (_aliases.alias == bindparam("name"))
_NAMED = select(_aliases.version_index).where(_IS_IT)
_MOVE = schema.aliases.update().where(_IS_IT).values(version_index=bindparam("index"))
_ADD = schema.aliases.insert().values(
    collection_id=bindparam("collection"), alias=bindparam("name"), version_index=bindparam("index")
)


def add_aliases(change: Change, reference: VersionReference, aliases: Iterable[str]) -> None:
    """Let aliases name a version, moving those that name another. Raises NotFound, InvalidInput."""
    checked = [check_alias(alias) for alias in aliases]
    version = find_version(change.connection, reference, lock=True)
    for alias in checked:
        point_alias(change, version, alias)


def point_alias(change: Change, version: FoundVersion, alias: str) -> None:
    """Let one alias name a version; an alias that does so already stays as it is."""
    key = {"collection": version.collection.id, "name": alias}
    before: int | None = change.connection.execute(_NAMED, key).scalar()
    if before == version.index:
        return
    statement = _ADD if before is None else _MOVE
    change.connection.execute(statement, {**key, "index": version.index})
    change.record(
        EventType.ADD_ARTIFACT_ALIAS,
        version.collection.id,
        version=version.key,
        alias=alias,
        previous_index=before,
    )


def remove_aliases(change: Change, reference: VersionReference, aliases: Iterable[str]) -> None:
    """Take aliases off a version. Raises NotFound for one it does not have, InvalidInput."""
    checked = [check_alias(alias) for alias in aliases]
    version = find_version(change.connection, reference, lock=True)
    for alias in checked:
        if not drop_alias(change, version, alias):
            raise NotFound(
                f"{visible(version.reference)} has no alias {visible(alias)}",
                f"See its aliases with `firetower show {visible(version.reference)}`.",
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
