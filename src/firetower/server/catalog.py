"""Artifacts, collections and what aliases and tags they have, as W&B's SDK reads them.

An `Artifact` is a version where it was logged, an `ArtifactCollectionMembership` a version in one
collection; a project's collection is an `ArtifactSequence`, a registry's an `ArtifactPortfolio`.
"""

from typing import Any

from firetower.core.catalog import Version
from firetower.core.errors import InvalidInput, NotFound
from firetower.core.json import dump
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
    Arguments,
    Context,
    Node,
    make_id,
    moment,
    nodes,
    read_id,
    resolves,
)
from firetower.server.selection import Facts
from firetower.server.storage import MANIFESTS
from firetower.store.catalog import versions
from firetower.store.catalog.lookups import (
    FoundVersion,
    collection_row,
    find_version,
)
from firetower.store.catalog.versions import (
    artifact_key,
    find_by_key,
    find_home,
    members_of,
    memberships_of,
)
from firetower.store.columns import EPOCH
from firetower.store.uploads import find_upload

COLLECTION = "ArtifactSequence|ArtifactPortfolio"
"""The types of collections."""
_TTL_INHERITED = -2
"""W&B's number for a version that lives as long as its collection says."""


def shown(context: Context, found: FoundVersion) -> Version:
    """Return a version as the catalog shows it in a collection, read once a request."""
    key = "version", found.collection.id, found.index
    if key not in context.cache:
        context.cache[key] = versions.show(context.reader, found)
    version: Version = context.cache[key]
    return version


def artifact_node(context: Context, version_id: int) -> Node:
    """Return a version as an artifact, cached for a request."""
    key = "artifact", version_id
    if key not in context.cache:
        context.cache[key] = _artifact(context, find_home(context.reader, version_id))
    node: Node = context.cache[key]
    return node


def _artifact(context: Context, found: FoundVersion) -> Node:
    version = shown(context, found)
    values = {
        "id": artifact_id(artifact_key(version.artifact_id)),
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
        "historyStep": None,
        "commitHash": None,
    }
    return Node("Artifact", found, values)


def membership_facts(context: Context, found: FoundVersion) -> Facts:
    """Return what filters and orders can ask of a version in a collection."""
    version = shown(context, found)
    created = moment(version.created_at)
    return {
        "id": artifact_key(version.artifact_id),
        "version": f"v{found.index}",
        "version_index": found.index,
        "alias": list(version.aliases),
        "tag": [tag["name"] for tag in tags_of(context, found, Arguments({}))],
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


def membership_node(found: FoundVersion) -> Node:
    """Return a version in one collection."""
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
        "description": None,
    }
    return Node("ArtifactPortfolio" if is_registry else "ArtifactSequence", reference, values)


def collection_id(reference: CollectionReference) -> str:
    """Return the id of a collection."""
    return make_id("ArtifactCollection", reference)


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
    version_id = find_by_key(context.reader.connection, key)
    return find_upload(context.reader, key).version_id if version_id is None else version_id


def find_selected(
    context: Context, collection: CollectionReference, selector: str
) -> FoundVersion | None:
    """Return the version of a collection that an index, alias or digest names, or None."""
    reference = VersionReference(collection=collection, selector=check_name(selector, "alias"))
    try:
        return find_version(context.reader.connection, reference)
    except NotFound:
        found = collection_row(context.reader.connection, collection)
        if found is None or len(selector) < 32:
            return None
    members = members_of(context.reader, found)
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
    checked = check_name(collection, "collection name")
    reference = CollectionReference(container=container, name=checked)
    return find_selected(context, reference, selector)


@resolves("Query", "artifact")
def artifact(context: Context, _source: None, arguments: Arguments) -> Node | None:
    """Return an artifact by its id, or None."""
    try:
        version_id = read_artifact_id(context, arguments.text("id"))
        return None if version_id is None else artifact_node(context, version_id)
    except NotFound:
        return None


@resolves("Project", "artifact")
def artifact_of(context: Context, project: ContainerReference, arguments: Arguments) -> Node | None:
    """Return a project's artifact by its name, or None."""
    found = named_version(context, project, arguments.text("name"))
    return None if found is None else artifact_node(context, found.version_id)


@resolves("Project", "artifactCollectionMembership")
def membership_in(
    context: Context, project: ContainerReference, arguments: Arguments
) -> Node | None:
    """Return a version of a project's or registry's collection by its name, or None."""
    found = named_version(context, project, arguments.text("name"))
    return None if found is None else membership_node(found)


@resolves("Artifact", "aliases")
def aliases_of(context: Context, found: FoundVersion, _arguments: Arguments) -> list[Any]:
    """Return its aliases in every collection that it is in."""
    return [
        alias_node(one.collection.reference, alias)
        for one in memberships_of(context.reader, found.version_id)
        for alias in shown(context, one).aliases
    ]


@resolves("Artifact", "tags")
def tags_of(context: Context, found: FoundVersion, _arguments: Arguments) -> list[Any]:
    """Return its tags in every collection that it is in, each once."""
    members = memberships_of(context.reader, found.version_id)
    tags = {tag for one in members for tag in shown(context, one).tags}
    return [tag_node(tag) for tag in sorted(tags)]


@resolves("Artifact", "currentManifest")
def manifest_of(context: Context, found: FoundVersion, _arguments: Arguments) -> dict[str, Any]:
    """Return where its manifest is fetched from."""
    key = artifact_key(shown(context, found).artifact_id)
    url = context.origin + context.settings.sign(f"{MANIFESTS}{key}")
    return {"id": make_id("ArtifactManifest", key), "file": {"directUrl": url}}


@resolves("Artifact", "artifactMemberships")
def memberships_of_artifact(
    context: Context, found: FoundVersion, arguments: Arguments
) -> dict[str, Any]:
    """Return every collection that it is in."""
    members = memberships_of(context.reader, found.version_id)
    return nodes(members, arguments, membership_node)


@resolves("ArtifactCollectionMembership", "artifact")
def artifact_in(context: Context, found: FoundVersion, _arguments: Arguments) -> Node:
    """Return the artifact."""
    return artifact_node(context, found.version_id)


@resolves("ArtifactCollectionMembership", "createdAt")
def member_since(context: Context, found: FoundVersion, _arguments: Arguments) -> str | None:
    """Return when the version was logged."""
    return moment(shown(context, found).created_at)


@resolves("ArtifactCollectionMembership", "aliases")
def aliases_in(context: Context, found: FoundVersion, _arguments: Arguments) -> list[Any]:
    """Return its aliases in this collection."""
    reference = found.collection.reference
    return [alias_node(reference, alias) for alias in shown(context, found).aliases]


def alias_node(collection: CollectionReference, alias: str) -> dict[str, Any]:
    """Return an alias."""
    return {
        "__typename": "ArtifactAlias",
        "id": make_id("ArtifactAlias", f"{collection}:{alias}"),
        "alias": alias,
        "artifactCollection": collection_node(collection),
    }


def tag_node(tag: str) -> dict[str, Any]:
    """Return a tag."""
    return {"__typename": "Tag", "id": make_id("Tag", tag), "name": tag}


def type_node(type_: str) -> dict[str, Any]:
    """Return the type of collections; it is no thing of its own here."""
    created = moment(EPOCH)
    values = {"id": make_id("ArtifactType", type_), "name": type_, "description": None}
    return {"__typename": "ArtifactType", **values, "createdAt": created}
