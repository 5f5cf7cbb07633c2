"""Artifacts that W&B's SDK is logging: begun, described by a manifest, committed as a version.

Nobody but their maker sees them before the commit.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import Field, JsonValue
from sqlalchemy import Row, func, select

from firetower.core.catalog import Content, Entry
from firetower.core.errors import Conflict, InvalidInput, NotFound
from firetower.core.manifests import manifest_digest, read_manifest
from firetower.core.references import CollectionReference, Frozen, check_alias, check_name
from firetower.core.runs import RunReference
from firetower.core.text import quoted, shortened
from firetower.store import worker_schema as schema
from firetower.store.catalog import versions
from firetower.store.catalog.containers import check_type
from firetower.store.catalog.lookups import FoundCollection, FoundVersion, collection_row
from firetower.store.catalog.versions import find_home
from firetower.store.changes import Change, Reader
from firetower.store.lineage import link_artifact
from firetower.store.runs import find_run

UPLOAD_TIMEOUT = timedelta(days=1)
"""Age at which an upload is forgotten, whether it was committed or not."""
MAX_UPLOADS = 10_000
"""Artifacts of one user that are begun and not committed."""
_uploads = schema.uploads.c


class UploadDefinition(Frozen):
    """The version to log."""

    collection: CollectionReference
    type: str
    digest: str
    description: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    run: RunReference | None = None
    """The run that logs it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An artifact that was begun."""

    id: int
    key: str
    definition: UploadDefinition
    version_id: int | None
    """Its version's row, once it is committed."""


def begin_upload(
    change: Change, definition: UploadDefinition, client_id: str | None
) -> tuple[Upload | None, FoundVersion | None]:
    """Begin an artifact; one whose content the collection's newest version has is done at once.

    Return the upload, or else that version, whose aliases and tags are set. Raises InvalidInput.
    """
    collection = collection_row(change, definition.collection)
    _check(definition, collection)
    newest = None if collection is None else versions.newest_logged(change, collection)
    if newest is not None and newest.digest == definition.digest:
        found = _log(change, definition, Content(entries=(), digest=definition.digest), None)
        return None, found
    if client_id is not None:
        query = select(schema.uploads).where(
            _uploads.client_id == client_id, _uploads.user_name == change.author
        )
        row = change.connection.execute(query.order_by(_uploads.id.desc()).limit(1)).first()
        if row is not None and row.definition == definition.model_dump_json():
            if row.version_id is not None:
                return None, find_home(change, row.version_id)
            return _upload(row), None
    _check_number(change)
    key = change.random_hex(16)
    change.insert(
        schema.uploads,
        artifact_key=key,
        client_id=client_id,
        user_name=change.author,
        began_at=change.now,
        definition=definition.model_dump_json(),
    )
    return find_upload(change, key), None


def _check(definition: UploadDefinition, collection: FoundCollection | None) -> None:
    """Check as the commit will, before any file is sent. Raises InvalidInput."""
    versions.check_is_logged_to(definition.collection)
    for alias in definition.aliases:
        if alias != "latest":
            check_alias(alias)
    for tag in definition.tags:
        check_name(tag, "tag")
    if collection is not None:
        check_type(collection, definition.type)


def _check_number(change: Change) -> None:
    """Raise Conflict where a user has begun too many."""
    waiting = select(func.count()).where(
        _uploads.user_name == change.author, _uploads.version_id.is_(None)
    )
    if change.connection.execute(waiting).scalar_one() >= MAX_UPLOADS:
        raise Conflict(
            f"{change.author} has begun {MAX_UPLOADS:,} artifacts and not finished them",
            "Finish them, or wait a day: then they are forgotten.",
        )


def find_upload(reader: Reader, key: str) -> Upload:
    """Return an upload by its key. Raises NotFound."""
    return _upload(_find_row(reader, key))


def _find_row(reader: Reader, key: str, *, lock: bool = False) -> Row[Any]:
    query = select(schema.uploads).where(_uploads.artifact_key == key)
    found = reader.connection.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound("this artifact was not begun here", "Log it again: a day is kept for it.")
    return found


def committed_version(reader: Reader, *, client_id: str) -> int | None:
    """Return the row of the version that was logged under the SDK's own name for it."""
    query = select(_uploads.version_id).where(
        _uploads.client_id == client_id, _uploads.version_id.is_not(None)
    )
    return reader.connection.execute(query.order_by(_uploads.id.desc()).limit(1)).scalar()


def read_upload(manifest: str) -> str:
    """Return what is kept of a manifest: its digest and entries. Raises InvalidInput.

    That takes longer than the commit, so it is done before a change begins: others wait for one.
    """
    entries = read_manifest(manifest)
    digest = manifest_digest(entries)
    return f"{digest}\n{Content(entries=entries, digest=digest).entries_json}"


def save_manifest(change: Change, key: str, kept: str) -> None:
    """Keep the manifest of an upload, as `read_upload` returns it.

    Raises NotFound, Conflict.
    """
    upload = find_upload(change, key)
    if upload.version_id is not None:
        raise Conflict("this artifact is committed", "Log another version.")
    query = schema.uploads.update().where(_uploads.id == upload.id)
    change.connection.execute(query.values(manifest=kept))


def commit_upload(
    change: Change, key: str, keeps: Callable[[Entry], bool] | None = None
) -> FoundVersion:
    """Log the version that was begun; a second call returns it.

    `keeps` says whether an entry's file has arrived, where files are kept. Raises NotFound,
    InvalidInput.
    """
    row = _find_row(change, key, lock=True)
    upload = _upload(row)
    if upload.version_id is not None:
        return find_home(change, upload.version_id)
    if row.manifest is None:
        raise InvalidInput("the artifact has no manifest", "Send its manifest before the commit.")
    digest, _, entries_json = row.manifest.partition("\n")
    if digest != upload.definition.digest:
        raise InvalidInput(
            f"the manifest's digest is {shortened(digest, 60)}, not "
            f"{shortened(quoted(upload.definition.digest), 60)}",
            "The files changed while they were logged, or it is incremental; log it whole again.",
        )
    content = Content.from_json(entries_json, digest)
    missing = next((one for one in content.entries if keeps is not None and not keeps(one)), None)
    if missing is not None:
        raise InvalidInput(
            f"the file {quoted(shortened(missing.path, 80))} has not arrived", "Log it again."
        )
    content = content.model_copy(update={"digest": _content_key(change, content)})
    found = _log(change, upload.definition, content, key)
    done = schema.uploads.update().where(_uploads.id == upload.id)
    change.connection.execute(done.values(version_id=found.version_id, manifest=None))
    return found


def sweep_uploads(change: Change) -> int:
    """Forget uploads begun more than a day ago; return how many were never committed."""
    old = _uploads.began_at < change.now - UPLOAD_TIMEOUT
    change.connection.execute(schema.uploads.delete().where(old, _uploads.version_id.is_not(None)))
    return change.connection.execute(schema.uploads.delete().where(old)).rowcount


def _log(
    change: Change, definition: UploadDefinition, content: Content, key: str | None
) -> FoundVersion:
    found, _ = versions.log(
        change,
        definition.collection,
        content,
        type_=definition.type,
        metadata=definition.metadata,
        aliases=definition.aliases,
        tags=definition.tags,
        description=definition.description,
        artifact_key=key,
    )
    if definition.run is not None:
        with suppress(NotFound):  # a run that this server does not know
            run = find_run(change, definition.run)
            link_artifact(change, run.id, found.version_id, used=False)
    return found


def _content_key(change: Change, content: Content) -> str:
    """Return what a content is kept under: its digest, unless another content has the same.

    Copies of an object have one digest and several URIs.
    """
    kept = versions.read_entries(change, content.digest)
    if kept is None or kept == content.entries:
        return content.digest
    return f"{content.digest}-{change.random_hex(4)}"


def _upload(row: Row[Any]) -> Upload:
    definition = UploadDefinition.model_validate_json(row.definition)
    return Upload(row.id, row.artifact_key, definition, row.version_id)
