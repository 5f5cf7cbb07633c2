"""Artifacts and collections, with their aliases and tags, as W&B's SDK reads them.

An `Artifact` is a version where it was logged, an `ArtifactCollectionMembership` a version in one
collection; a project's collection is an `ArtifactSequence`, a registry's an `ArtifactPortfolio`.
"""

import mimetypes
from collections.abc import Iterable
from typing import Any

from firetower.core.catalog import Entry, Version
from firetower.core.errors import InvalidInput, NotFound
from firetower.core.json import dump
from firetower.core.manifests import file_digest
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    VersionReference,
    check_name,
)
from firetower.core.text import quoted, shortened
from firetower.server.containers import project_node
from firetower.server.fields import (
    Answer,
    Arguments,
    Context,
    Facts,
    Node,
    make_id,
    moment,
    nodes,
    read_id,
)
from firetower.server.files import FILES, MANIFESTS, md5_of
from firetower.store.catalog import versions
from firetower.store.catalog.lookups import FoundVersion, collection_row, find_version
from firetower.store.columns import EPOCH
from firetower.store.uploads import committed_version, find_upload

_TTL_INHERITED = -2
"""W&B's number for a version that lives as long as its collection says."""


def shown(context: Context, found: FoundVersion) -> Version:
    """Return a version as the catalog shows it in a collection."""
    key = "version", found.collection.id, found.index
    return context.cached(key, lambda: versions.show(context.reader, found))


def artifact_node(context: Context, version_id: int) -> Node:
    """Return a version as an artifact."""
    return context.cached(("artifact", version_id), lambda: _artifact(context, version_id))


def _artifact(context: Context, version_id: int) -> Node:
    found = versions.find_home(context.reader, version_id)
    version = shown(context, found)
    values = {
        "id": artifact_id(versions.artifact_key(version.artifact_id)),
        "artifactSequence": collection_node(found.collection.reference),
        "artifactType": type_node(version.type),
        "versionIndex": found.index,
        "description": version.description or None,
        "metadata": dump(version.metadata),
        "state": "COMMITTED",
        "size": version.size,
        "digest": wandb_digest(version),
        "digestAlgorithm": "MANIFEST_MD5",
        "fileCount": version.file_count,
        "createdAt": moment(version.created_at),
        "updatedAt": moment(version.created_at),
        "ttlDurationSeconds": _TTL_INHERITED,
        "ttlIsInherited": True,
    }
    return Node("Artifact", found, values)


def membership_facts(context: Context, found: FoundVersion) -> Facts:
    """Return the fields of a version in a collection for filters and orders."""
    version = shown(context, found)
    created = moment(version.created_at)
    return {
        "id": versions.artifact_key(version.artifact_id),
        "version": f"v{found.index}",
        "version_index": found.index,
        "alias": list(version.aliases),
        "tag": tags_of(context, found),
        "metadata": version.metadata,
        "digest": wandb_digest(version),
        "size": version.size,
        "created_at": created,
        "updated_at": created,
        "artifact_created_at": created,
        "state": "COMMITTED",
    }


def wandb_digest(version: Version) -> str:
    """Return a version's digest as W&B's SDK knows it."""
    return version.digest.partition("-")[0]


def membership_node(found: FoundVersion | None) -> Node | None:
    """Return a version in one collection."""
    if found is None:
        return None
    values = {
        "id": make_id("ArtifactCollectionMembership", found.reference),
        "versionIndex": found.index,
        "artifactCollection": collection_node(found.collection.reference),
    }
    return Node("ArtifactCollectionMembership", found, values)


def collection_node(reference: CollectionReference) -> Node:
    """Return a collection."""
    is_registry = reference.container.kind is ContainerKind.REGISTRY
    values = {
        "id": collection_id(reference),
        "name": reference.name,
        "project": project_node(reference.container),
        "state": "READY",
    }
    return Node("ArtifactPortfolio" if is_registry else "ArtifactSequence", reference, values)


def collection_id(reference: CollectionReference) -> str:
    """Return the id of a collection."""
    return make_id("ArtifactCollection", reference)


def named_collection(container: ContainerReference, name: str) -> CollectionReference:
    """Return the collection of a name in a project or registry. Raises InvalidInput."""
    return CollectionReference(container=container, name=check_name(name, "collection name"))


def read_collection_id(text: str) -> CollectionReference:
    """Return the collection of an id. Raises InvalidInput."""
    return CollectionReference.parse(read_id(text, "ArtifactCollection"))


def artifact_id(key: str) -> str:
    """Return the id of the artifact whose key is given."""
    return make_id("Artifact", key)


def read_artifact_id(context: Context, text: str) -> int | None:
    """Return the row of the version that an id names; None where it is not committed yet.

    Raises InvalidInput, NotFound.
    """
    key = read_id(text, "Artifact")
    version_id = versions.find_by_key(context.reader, key)
    return find_upload(context.reader, key).version_id if version_id is None else version_id


def given_version(context: Context, given: Arguments) -> FoundVersion:
    """Return the version, where it was logged, that `artifactID` or `clientID` names."""
    text, client_id = given.optional_text("artifactID"), given.optional_text("clientID")
    if text is not None:
        version_id = read_artifact_id(context, text)
    else:
        version_id = committed_version(context.reader, client_id=client_id or "")
    if version_id is None:
        raise NotFound("the artifact is not logged yet", "Call its wait() first.")
    return versions.find_home(context.reader, version_id)


def find_selected(
    context: Context, collection: CollectionReference, selector: str
) -> FoundVersion | None:
    """Return the version of a collection that an index, alias or digest names, or None."""
    reference = VersionReference(collection=collection, selector=check_name(selector, "alias"))
    try:
        return find_version(context.reader, reference)
    except NotFound:
        found = collection_row(context.reader, collection)
        if found is None or len(selector) < 32:
            return None
    members = versions.members_of(context.reader, found)
    return next((one for one in members if wandb_digest(shown(context, one)) == selector), None)


def named_version(
    context: Context, container: ContainerReference, name: str
) -> FoundVersion | None:
    """Return the version that `COLLECTION:SELECTOR` names in a project or registry, or None."""
    collection, colon, selector = name.partition(":")
    if not colon:
        raise InvalidInput(
            f"{quoted(shortened(name, 60))} names no version", "Add :latest, an alias, or :v0."
        )
    return find_selected(context, named_collection(container, collection), selector)


def artifact(context: Context, arguments: Arguments) -> Node | None:
    """Return an artifact by its id, or None."""
    try:
        version_id = read_artifact_id(context, arguments.text("id"))
        return None if version_id is None else artifact_node(context, version_id)
    except NotFound:
        return None


def artifact_of(context: Context, found: FoundVersion | None) -> Node | None:
    """Return the artifact of a version in a collection."""
    return None if found is None else artifact_node(context, found.version_id)


def aliases_of(context: Context, members: Iterable[FoundVersion]) -> list[Answer]:
    """Return the aliases of versions, each in its collection."""
    return [
        {
            "__typename": "ArtifactAlias",
            "id": make_id("ArtifactAlias", f"{one.collection.reference}:{alias}"),
            "alias": alias,
            "artifactCollection": collection_node(one.collection.reference),
        }
        for one in members
        for alias in shown(context, one).aliases
    ]


def tags_of(context: Context, found: FoundVersion) -> list[Any]:
    """Return a version's tags in every collection that it is in, each once."""
    members = versions.memberships_of(context.reader, found.version_id)
    return sorted({tag for one in members for tag in shown(context, one).tags})


def tag_node(tag: str) -> Answer:
    """Return a tag."""
    return {"__typename": "Tag", "id": make_id("Tag", tag), "name": tag}


def type_node(type_: str) -> Answer:
    """Return the type of collections; it is no thing of its own here."""
    return {
        "__typename": "ArtifactType",
        "id": make_id("ArtifactType", type_),
        "name": type_,
        "description": None,
        "createdAt": moment(EPOCH),
    }


def manifest_of(context: Context, found: FoundVersion, _: Arguments) -> Answer:
    """Return where a version's manifest is fetched from."""
    key = versions.artifact_key(shown(context, found).artifact_id)
    return {
        "id": make_id("ArtifactManifest", key),
        "file": {"directUrl": context.url(f"{MANIFESTS}{key}")},
    }


def files(context: Context, found: FoundVersion, arguments: Arguments) -> Answer:
    """Return the files of a version, or those of some names or entries of its manifest."""
    digest = shown(context, found).digest
    entries = context.cached(
        ("entries", digest), lambda: versions.read_entries(context.reader, digest) or ()
    )
    if "entries" in arguments:
        names = {one.text("name") for one in arguments.objects("entries")}
    else:
        names = set(arguments.texts("names")) or {one.path for one in entries}
    kept = [one for one in entries if one.path in names]
    return nodes(kept, arguments, lambda one: _file(context, found, one))


def _file(context: Context, found: FoundVersion, entry: Entry) -> Answer:
    version = shown(context, found)
    url = entry.uri or context.url(f"{FILES}{md5_of(entry.checksum) or '0' * 32}")
    return {
        "__typename": "File",
        "id": make_id("File", f"{version.digest}/{entry.path}"),
        "name": entry.path,
        "displayName": entry.path,
        "url": url,
        "directUrl": url,
        "sizeBytes": entry.size or 0,
        "mimetype": mimetypes.guess_type(entry.path)[0],
        "updatedAt": moment(version.created_at),
        "digest": file_digest(entry),
        "md5": file_digest(entry),
    }
