"""Logging and linking artifacts, and editing them."""

from collections.abc import Callable
from typing import Any

from pydantic import JsonValue

from firetower.core.errors import InvalidInput, NotFound
from firetower.core.json import canonical
from firetower.core.references import (
    CollectionReference,
    VersionReference,
    check_alias,
    check_name,
)
from firetower.core.runs import RunReference, check_run_id
from firetower.core.text import quoted, shortened
from firetower.server.catalog import (
    artifact_id,
    artifact_node,
    given_version,
    membership_node,
    named_collection,
    read_collection_id,
    shown,
    tag_node,
)
from firetower.server.containers import named_project
from firetower.server.fields import Answer, Arguments, Context, make_id, read_id
from firetower.server.files import FILES, MANIFESTS, md5_of
from firetower.store import uploads
from firetower.store.catalog import deletion, labels, versions
from firetower.store.catalog.lookups import FoundVersion, collection_row
from firetower.store.changes import Change
from firetower.store.uploads import UploadDefinition

_MANIFEST_NAME = "wandb_manifest.json"


def create(context: Context, given: Arguments) -> Answer:
    """Begin an artifact; one whose content is the newest version's is committed at once."""
    definition = _definition(context, given)
    before = collection_row(context.reader, definition.collection)
    newest = None if before is None else versions.newest_logged(context.reader, before)
    upload, found = uploads.begin_upload(
        context.change, definition, given.optional_text("clientID")
    )
    latest = None if newest is None else artifact_node(context, newest.id)
    sequence = {
        "id": make_id("ArtifactCollection", definition.collection),
        "latestArtifact": latest,
    }
    if upload is None:
        assert found is not None
        return {"artifact": artifact_node(context, found.version_id)}
    artifact = {"__typename": "Artifact", "id": artifact_id(upload.key), "state": "PENDING"}
    return {"artifact": {**artifact, "artifactSequence": sequence}}


def _definition(context: Context, given: Arguments) -> UploadDefinition:
    names = given.texts("artifactCollectionNames")
    name = given.optional_text("artifactCollectionName") or (names[0] if names else "")
    project = named_project(context, given)
    run = given.optional_text("runName")
    return UploadDefinition(
        collection=named_collection(project, name),
        type=check_name(given.text("artifactTypeName"), "type"),
        digest=check_name(given.text("digest"), "digest"),
        description=given.optional_text("description"),
        metadata=given.json_object("metadata") or {},
        aliases=tuple(one.text("alias") for one in given.objects("aliases")),
        tags=tuple(one.text("tagName") for one in given.objects("tags")),
        run=None if not run else RunReference(project=project, id=check_run_id(run)),
    )


def create_manifest(context: Context, given: Arguments) -> Answer:
    """Say where the manifest of an artifact is uploaded to."""
    if (type_ := given.optional_text("type")) not in {None, "FULL"}:
        raise InvalidInput(
            f"a manifest of type {quoted(shortened(type_ or '', 40))} cannot be logged here",
            "Log the artifact whole: without incremental=True, upsert_artifact or finish_artifact.",
        )
    named = given.optional_text("artifactManifestID")
    key = (
        read_id(given.text("artifactID"), "Artifact")
        if named is None
        else read_id(named, "ArtifactManifest")
    )
    uploads.find_upload(context.reader, key)
    identity = make_id("ArtifactManifest", key)
    file = {
        "id": identity,
        "name": _MANIFEST_NAME,
        "uploadUrl": context.url(f"{MANIFESTS}{key}"),
        "uploadHeaders": [],
    }
    return {"artifactManifest": {"id": identity, "file": file}}


def create_files(context: Context, given: Arguments) -> Answer:
    """Say where each file is sent, or that it need not be.

    It is kept already, or nothing but what the manifest says of it is kept here.
    """
    files: list[dict[str, Any]] = [
        {
            "storagePath": file.optional_text("name"),
            "uploadUrl": _upload_url(context, file.optional_text("md5")),
            "uploadHeaders": [],
            "uploadMultipartUrls": None,
            "artifact": {"id": artifact_id(read_id(file.text("artifactID"), "Artifact"))},
        }
        for file in given.objects("artifactFiles")
    ]
    return {"files": {"edges": [{"node": file} for file in files]}}


def _upload_url(context: Context, digest: str | None) -> str | None:
    md5 = md5_of(digest)
    if context.files is None or (md5 is not None and context.files.path(md5) is not None):
        return None
    if md5 is None:
        raise InvalidInput("a file has no MD5", "Log it with W&B's SDK 0.29 or newer.")
    return context.url(f"{FILES}{md5}")


def commit(context: Context, given: Arguments) -> Answer:
    """Log what was begun: version, aliases, tags and their events come into being together."""
    key = read_id(given.text("artifactID"), "Artifact")
    keeps = None if context.files is None else context.files.keeps
    found = uploads.commit_upload(context.change, key, keeps)
    return {"artifact": artifact_node(context, found.version_id)}


def server_id(context: Context, arguments: Arguments) -> dict[str, Any] | None:
    """Return the id of the artifact that the SDK logged under its own name for it, or None."""
    version_id = uploads.committed_version(context.reader, client_id=arguments.text("clientID"))
    if version_id is None:
        return None
    return {"serverID": artifact_node(context, version_id).values["id"]}


def link(context: Context, given: Arguments) -> Answer:
    """Link a version into a registry's collection."""
    version = given_version(context, given)
    target = named_collection(named_project(context, given), given.text("artifactPortfolioName"))
    aliases = [one.text("alias") for one in given.objects("aliases")]
    found = versions.link(
        context.change,
        VersionReference(collection=version.collection.reference, selector=f"v{version.index}"),
        target,
        [alias for alias in aliases if alias != "latest"],
    )
    return {"versionIndex": found.index, "artifactMembership": membership_node(found)}


def delete(context: Context, given: Arguments) -> Answer:
    """Delete a version with its links."""
    node = artifact_node(context, given_version(context, given).version_id)
    deletion.delete_version(
        context.change, node.source.version_id, with_aliases=given.flag("deleteAliases")
    )
    return {"artifact": {"__typename": "Artifact", "id": node.values["id"], "state": "DELETED"}}


def unlink(context: Context, given: Arguments) -> Answer:
    """Remove a link from a registry."""
    collection = read_collection_id(given.text("artifactPortfolioID"))
    found = _member(context, given_version(context, given), collection)
    reference = VersionReference(collection=collection, selector=f"v{found.index}")
    versions.unlink(context.change, reference)
    return {"success": True}


def _member(
    context: Context, version: FoundVersion, collection: CollectionReference
) -> FoundVersion:
    """Return a version in a collection. Raises NotFound."""
    for one in versions.memberships_of(context.reader, version.version_id):
        if one.collection.reference == collection:
            return one
    raise NotFound(
        f"{version.reference} is not in {collection}",
        "See the collections it is in with `firetower show`.",
    )


def change_aliases(
    context: Context, given: Arguments, verb: Callable[[Change, FoundVersion, str], object]
) -> Answer:
    """Add aliases to a version, or remove them, each in its collection."""
    version = given_version(context, given)
    for one in given.objects("aliases"):
        project, name = named_project(context, one), one.text("artifactCollectionName")
        found = _member(context, version, named_collection(project, name))
        verb(context.change, found, check_alias(one.text("alias")))
    return {"success": True}


def update(context: Context, given: Arguments) -> Answer:
    """Set a version's description and metadata, and add and remove tags.

    W&B's tags are the artifact's: they go to every collection that the version is in.
    """
    home = given_version(context, given)
    version = shown(context, home)
    old, description = version.metadata, given.optional_text("description")
    new = given.json_object("metadata")
    metadata = old if new is None else new
    changed = {key: value for key, value in metadata.items() if _differs(old, key, value)}
    gone = old.keys() - metadata.keys()
    if changed or gone or description not in {None, version.description}:
        reference = VersionReference(collection=version.collection, selector=f"v{version.index}")
        versions.update(context.change, reference, changed, sorted(gone), description)
    members = versions.memberships_of(context.reader, home.version_id)
    for one in given.objects("tagsToAdd"):
        for member in members:
            labels.put_tag(context.change, member, check_name(one.text("tagName"), "tag"))
    for one in given.objects("tagsToDelete"):
        for member in members:
            labels.drop_tag(context.change, member, one.text("tagName"))
    context.cache.clear()
    return {"artifact": artifact_node(context, home.version_id)}


def _differs(old: dict[str, JsonValue], key: str, value: JsonValue) -> bool:
    return key not in old or canonical(old[key]) != canonical(value)


def change_collection_tags(
    context: Context, given: Arguments, verb: Callable[[Change, labels.Target, list[str]], object]
) -> Answer:
    """Add tags to a collection, or remove them."""
    tags = [one.text("tagName") for one in given.objects("tags")]
    project, name = named_project(context, given), given.text("artifactCollectionName")
    verb(context.change, named_collection(project, name), tags)
    return {"success": True, "tags": [tag_node(tag) for tag in tags]}
