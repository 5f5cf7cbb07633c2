"""Versions: logging, linking, finding, removing and showing them."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue, TypeAdapter
from sqlalchemy import (
    Column,
    Connection,
    ScalarSelect,
    Select,
    bindparam,
    func,
    literal_column,
    select,
)

from firetower.core.catalog import Content, Entry, Version, VersionChange, VersionDetail
from firetower.core.errors import InvalidInput, NotFound
from firetower.core.events import EventType
from firetower.core.json import dump, parse_object
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    VersionReference,
    check_alias,
    check_name,
)
from firetower.core.text import quoted, shell_word, shortened, storable, visible
from firetower.store import catalog_schema as schema
from firetower.store.catalog.containers import ensure_collection
from firetower.store.catalog.labels import drop_alias, drop_tag, point_alias, put_tag
from firetower.store.catalog.lookups import (
    FoundCollection,
    FoundVersion,
    find_collection,
    find_version,
)
from firetower.store.changes import Change, Reader
from firetower.store.driver import Prepared, run

_versions, _memberships = schema.versions.c, schema.memberships.c
_collections = schema.collections.c
_NEWEST = Prepared(
    select(_versions.id, _versions.home_index, _versions.digest)
    .join_from(schema.memberships, schema.versions, _memberships.version_id == _versions.id)
    .where(_memberships.collection_id == bindparam("collection"))
    .order_by(_memberships.version_index.desc())
    .limit(1)
)
_LINKED = "SELECT version_index FROM memberships WHERE collection_id = ? AND version_id = ?"
_MEMBERS = (
    select(_memberships.version_index, _memberships.version_id)
    .where(_memberships.collection_id == bindparam("collection"))
    .order_by(_memberships.version_index.desc())
)
_NEWEST_MEMBERS = _MEMBERS.limit(2)
_TAKE_INDEX = "UPDATE collections SET next_index = ? WHERE id = ?"
_SEPARATOR: Any = literal_column("'/'")
"""No alias or tag has it."""


def _joined(name: Column[str]) -> ScalarSelect[str]:
    """Return the query of a member's aliases or tags as one text."""
    columns = name.table.c
    is_it = (
        columns.collection_id == _memberships.collection_id,
        columns.version_index == _memberships.version_index,
    )
    return select(func.aggregate_strings(name, _SEPARATOR)).where(*is_it).scalar_subquery()


_SHOWN = (
    select(
        schema.versions,
        _memberships.version_index,
        _joined(schema.aliases.c.alias).label("aliases"),
        _joined(schema.version_tags.c.tag).label("tags"),
    )
    .join_from(schema.memberships, schema.versions)
    .where(_memberships.collection_id == bindparam("collection_id"))
)
_SHOWN_ONE = Prepared(_SHOWN.where(_memberships.version_index == bindparam("version_index")))
_SHOWN_PAGE = Prepared(
    _SHOWN.where(_memberships.version_index < bindparam("before"))
    .order_by(_memberships.version_index.desc())
    .limit(bindparam("limit"))
)
_MOST = 2**31 - 1
"""Versions of a collection: the largest number of an INTEGER column."""
_ENTRIES = TypeAdapter(tuple[Entry, ...], config={"defer_build": True})

ARTIFACT_ID_PREFIX = "firetower-artifact://_id/"


def log(
    change: Change,
    reference: CollectionReference,
    content: Content,
    *,
    type_: str,
    metadata: Mapping[str, JsonValue],
    aliases: Iterable[str] = (),
    tags: Iterable[str] = (),
    description: str | None = None,
    artifact_key: str | None = None,
) -> tuple[FoundVersion, bool]:
    """Log a version, and return it with whether it is new.

    Content that equals the collection's newest version makes no new one; aliases and tags still
    apply. `latest` moves to it. `artifact_key` is what a new version's id ends with, if that was
    promised before. Raises InvalidInput.
    """
    check_is_logged_to(reference)
    names = [check_alias(alias) for alias in aliases if alias != "latest"]
    labels = [check_name(tag, "tag") for tag in tags]
    collection = ensure_collection(change, reference, check_name(type_, "type"))
    newest = newest_logged(change, collection)
    if newest is not None and newest.digest == content.digest:
        version, created = FoundVersion(collection, newest.home_index, newest.id), False
    else:
        key = artifact_key or change.random_hex(16)
        version = _insert_version(
            change, collection, content, metadata, description=description, artifact_key=key
        )
        created = True
        change.record(EventType.CREATE_ARTIFACT, collection.id, version=version.key)
    for alias in ("latest", *names):
        point_alias(change, version, alias)
    for tag in labels:
        put_tag(change, version, tag)
    return version, created


def check_is_logged_to(reference: CollectionReference) -> None:
    """Refuse a registry's collection, where versions are only linked. Raises InvalidInput."""
    if reference.container.kind is not ContainerKind.PROJECT:
        raise InvalidInput(
            f"{reference} is in a registry, where versions are linked",
            "Log into ENTITY/PROJECT/COLLECTION, then link the version.",
        )


def newest_logged(reader: Reader, collection: FoundCollection) -> Any:  # noqa: ANN401 - a row
    """Return the id, index and digest of the newest version logged to a collection, or None."""
    return _NEWEST.first(reader.connection, collection=collection.id)


def _insert_version(
    change: Change,
    collection: FoundCollection,
    content: Content,
    metadata: Mapping[str, JsonValue],
    *,
    description: str | None,
    artifact_key: str,
) -> FoundVersion:
    change.insert_if_new(schema.manifests, digest=content.digest, entries=content.entries_json)
    [version_id] = change.insert(
        schema.versions,
        artifact_id=f"{ARTIFACT_ID_PREFIX}{artifact_key}",
        home_collection_id=collection.id,
        home_index=collection.next_index,
        digest=content.digest,
        size=content.size,
        file_count=len(content.entries),
        metadata_json=dump(metadata),
        author=change.author,
        created_at=change.now,
        description=description or None,
    )
    return _join(change, collection, version_id)


def _join(change: Change, collection: FoundCollection, version_id: int) -> FoundVersion:
    """Give a version the next index of a collection."""
    joined = FoundVersion(collection, collection.next_index, version_id)
    made = {"author": change.author, "created_at": change.now}
    change.insert(schema.memberships, **joined.membership, version_id=version_id, **made)
    run(change.connection, _TAKE_INDEX, (joined.index + 1, collection.id))
    return joined


def link(
    change: Change,
    source: VersionReference,
    target: CollectionReference,
    aliases: Iterable[str] = (),
) -> FoundVersion:
    """Link a version into a registry's collection, made if it is new, and return it there.

    `latest` moves to it there. Linking it again changes nothing but the aliases. Raises NotFound,
    InvalidInput.
    """
    if target.container.kind is not ContainerKind.REGISTRY:
        raise InvalidInput(
            f"{target} is in a project, where versions are logged", "Link into REGISTRY/COLLECTION."
        )
    names = [check_alias(alias) for alias in aliases]
    version = find_version(change, source)
    collection = ensure_collection(change, target, version.collection.type)
    if found := run(change.connection, _LINKED, (collection.id, version.version_id)):
        linked = FoundVersion(collection, found[0][0], version.version_id)
    else:
        linked = _join(change, collection, version.version_id)
        change.record(EventType.LINK_ARTIFACT, collection.id, version=linked.key)
        point_alias(change, linked, "latest")
    for alias in names:
        point_alias(change, linked, alias)
    return linked


def update(
    change: Change,
    reference: VersionReference,
    metadata: Mapping[str, JsonValue],
    unset: Iterable[str],
    description: str | None,
) -> FoundVersion:
    """Set and remove keys of a version's metadata, and set its description; keep who did it.

    Raises NotFound, also for a key to remove that it does not have.
    """
    version = find_version(change, reference, lock=True)
    is_it = _versions.id == version.version_id
    row = change.connection.execute(
        select(_versions.metadata_json, _versions.description).where(is_it).with_for_update()
    ).one()
    old = parse_object(row.metadata_json)
    new = {**old, **metadata}
    for key in unset:
        _check_unset(version, key, old, metadata)
        new.pop(key, None)
    text = row.description if description is None else description
    before, after = _edited_fields(old, row.description), _edited_fields(new, text)
    made = {"version_id": version.version_id, "changed_at": change.now, "author": change.author}
    changes = [
        {
            **made,
            "field": storable(field),  # a key may have what no column holds
            "old_json": before.get(field),
            "new_json": after.get(field),
        }
        for field in {**before, **after}
        if before.get(field) != after.get(field)
    ]
    if changes:
        change.connection.execute(schema.version_changes.insert(), changes)
        values = {"metadata_json": dump(new), "description": text or None}
        change.connection.execute(schema.versions.update().where(is_it).values(values))
    return version


def _check_unset(
    version: FoundVersion, key: str, old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]
) -> None:
    shown = quoted(shortened(key, 60))
    if key in new:
        raise InvalidInput(f"metadata {shown} is both set and unset", "Give it once.")
    if key not in old:
        raise NotFound(
            f"{visible(version.reference)} has no metadata {shown}",
            f"See what it has with `firetower show {shell_word(version.reference)}`.",
        )


def _edited_fields(metadata: Mapping[str, JsonValue], description: str | None) -> dict[str, str]:
    """Return the fields of a version that can be edited as JSON, by name."""
    fields = {f"metadata.{key}": dump(value) for key, value in metadata.items()}
    return {**fields, "description": dump(description)} if description else fields


def unlink(change: Change, reference: VersionReference) -> FoundVersion:
    """Remove a link with its aliases and tags there; `latest` goes back to the link before.

    Raises NotFound, InvalidInput.
    """
    if reference.collection.container.kind is not ContainerKind.REGISTRY:
        raise InvalidInput(
            f"{reference} was logged there, not linked",
            "Only links in a registry can be removed; logged versions stay.",
        )
    version = take_out(change, reference)
    change.record(EventType.UNLINK_ARTIFACT, version.collection.id, version=version.key)
    return version


def take_out(change: Change, reference: VersionReference) -> FoundVersion:
    """Remove a version from a collection with its aliases and tags there. Raises NotFound.

    `latest` goes back to the version before.
    """
    version = find_version(change, reference, lock=True)
    shown = show(change, version)
    for alias in shown.aliases:
        before = _one_before(change.connection, version) if alias == "latest" else None
        if before is None:
            drop_alias(change, version, alias)
        else:
            point_alias(change, before, alias)
    for tag in shown.tags:
        drop_tag(change, version, tag)
    change.connection.execute(schema.memberships.delete().filter_by(**version.membership))
    return version


def _one_before(connection: Connection, version: FoundVersion) -> FoundVersion | None:
    """Return the newest of a collection's other versions."""
    newest = connection.execute(_NEWEST_MEMBERS, {"collection": version.collection.id}).all()
    others = [FoundVersion(version.collection, *one) for one in newest]
    return next((one for one in others if one.index != version.index), None)


def show(reader: Reader, version: FoundVersion) -> Version:
    """Return a version as it is in its collection."""
    row = _SHOWN_ONE.first(reader.connection, **version.membership)
    return _version(reader, version.collection, row)


def list_versions(
    reader: Reader,
    reference: CollectionReference,
    *,
    limit: int | None = None,
    before: int | None = None,
) -> list[Version]:
    """Return a collection's versions below an index, or all, the newest first. Raises NotFound."""
    collection = find_collection(reader, reference)
    bounds = {
        name: _MOST if given is None else max(0, min(given, _MOST))
        for name, given in (("limit", limit), ("before", before))
    }
    rows = _SHOWN_PAGE.rows(reader.connection, collection_id=collection.id, **bounds)
    reader.learn(row.home_collection_id for row in rows)
    return [_version(reader, collection, row) for row in rows]


def _version(reader: Reader, collection: FoundCollection, row: Any) -> Version:  # noqa: ANN401
    home = reader.collection(row.home_collection_id)
    return Version(
        collection=collection.reference,
        index=row.version_index,
        artifact_id=row.artifact_id,
        type=collection.type,
        digest=row.digest,
        size=row.size,
        file_count=row.file_count,
        description=row.description or "",
        metadata=parse_object(row.metadata_json),
        author=row.author,
        created_at=row.created_at,
        aliases=_names(row.aliases),
        tags=_names(row.tags),
        source=f"{home.reference}:v{row.home_index}",
    )


def _names(joined: str | None) -> tuple[str, ...]:
    return tuple(sorted(joined.split("/") if joined else ()))


def show_detail(reader: Reader, reference: VersionReference) -> VersionDetail:
    """Return a version with its files and links. Raises NotFound."""
    found = find_version(reader, reference)
    version = show(reader, found)
    entries = read_entries(reader, version.digest)
    assert entries is not None
    edits = schema.version_changes.c
    shown = (edits.changed_at, edits.author, edits.field, edits.old_json, edits.new_json)
    query = select(*shown).where(edits.version_id == found.version_id)
    changes = reader.connection.execute(query.order_by(edits.id.desc())).mappings()
    return VersionDetail(
        version=version,
        entries=entries,
        linked_as=tuple(
            member.reference
            for member in memberships_of(reader, found.version_id)
            if member.collection.reference.container.kind is ContainerKind.REGISTRY
        ),
        changes=tuple(VersionChange.model_validate(row) for row in changes),
    )


def read_entries(reader: Reader, digest: str) -> tuple[Entry, ...] | None:
    """Return the files and references that are kept under a digest; None where there are none."""
    query = select(schema.manifests.c.entries).where(schema.manifests.c.digest == digest)
    found = reader.connection.execute(query).scalar()
    return None if found is None else _ENTRIES.validate_json(found)


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


def find_by_key(reader: Reader, key: str) -> int | None:
    """Return the row of the version whose artifact id ends with a key."""
    query = select(_versions.id).where(_versions.artifact_id == f"{ARTIFACT_ID_PREFIX}{key}")
    return reader.connection.execute(query).scalar()


def artifact_key(artifact_id: str) -> str:
    """Return the key at the end of an artifact id."""
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
    rows = reader.connection.execute(_MEMBERS, {"collection": collection.id}).all()
    return [FoundVersion(collection, *row) for row in rows]


def _found(reader: Reader, query: Select[Any], version_id: int) -> list[FoundVersion]:
    rows = reader.connection.execute(query, {"version": version_id}).all()
    reader.learn(row.id for row in rows)
    return [
        FoundVersion(
            FoundCollection(row.id, row.type, row.next_index, reader.collections[row.id].reference),
            row.version_index,
            row.version_id,
        )
        for row in rows
    ]
