"""The collections of projects and registries, and their types."""

from typing import Any

from firetower.core.catalog import Collection
from firetower.core.errors import InvalidInput
from firetower.core.references import CollectionReference, ContainerReference, check_name
from firetower.server.catalog import (
    COLLECTION,
    alias_node,
    artifact_node,
    collection_node,
    find_selected,
    membership_facts,
    membership_node,
    read_collection_id,
    shown,
    tag_node,
    type_node,
)
from firetower.server.fields import (
    Arguments,
    Context,
    Node,
    connection,
    moment,
    nodes,
    resolves,
)
from firetower.server.selection import Facts, select
from firetower.store.catalog import containers
from firetower.store.catalog.lookups import collection_row, find_collection
from firetower.store.catalog.versions import members_of


def listed(context: Context, container: ContainerReference) -> dict[str, Collection]:
    """Return the collections of a project or registry by name, read once a request."""
    key = "collections", container
    if key not in context.cache:
        found = containers.list_collections(context.reader, container)
        context.cache[key] = {one.reference.name: one for one in found}
    collections: dict[str, Collection] = context.cache[key]
    return collections


def detail(context: Context, reference: CollectionReference) -> Collection:
    """Return a collection as the catalog shows it."""
    return listed(context, reference.container)[reference.name]


def facts(collection: Collection) -> Facts:
    """Return what filters and orders can ask of a collection."""
    return {
        "name": collection.reference.name,
        "tag": list(collection.tags),
        "type": collection.type,
        "description": "",
        "created_at": moment(collection.created_at),
        "updated_at": moment(collection.created_at),
    }


def collections_page(
    found: list[Collection], arguments: Arguments, filters: str = "filters"
) -> dict[str, Any]:
    """Return a page of collections, filtered and ordered as a field's arguments say."""
    kept = select(found, facts, arguments, filters)
    return nodes(kept, arguments, lambda one: collection_node(one.reference))


@resolves("Project", "artifactCollections")
def collections_of(
    context: Context, project: ContainerReference, arguments: Arguments
) -> dict[str, Any]:
    """Return the collections of a project or registry."""
    return collections_page(list(listed(context, project).values()), arguments)


@resolves("Project", "artifactCollection")
def collection_of(
    context: Context, project: ContainerReference, arguments: Arguments
) -> Node | None:
    """Return a collection by its name, or None."""
    name = check_name(arguments.text("name"), "collection name")
    reference = CollectionReference(container=project, name=name)
    if collection_row(context.reader.connection, reference) is None:
        return None
    return collection_node(reference)


@resolves("Query", "artifactCollection")
def collection(context: Context, _source: None, arguments: Arguments) -> Node | None:
    """Return a collection by its id, or None."""
    reference = read_collection_id(arguments.text("id"))
    if collection_row(context.reader.connection, reference) is None:
        return None
    return collection_node(reference)


@resolves("Project", "artifactTypes")
def types_of(context: Context, project: ContainerReference, arguments: Arguments) -> dict[str, Any]:
    """Return the types of a project's collections."""
    types = sorted({one.type for one in listed(context, project).values()})
    return nodes(types, arguments, lambda one: _type(project, one))


@resolves("Project", "artifactType")
def type_in(context: Context, project: ContainerReference, arguments: Arguments) -> Node | None:
    """Return a type of a project's collections, or None where no collection has it."""
    name = arguments.text("name")
    if all(one.type != name for one in listed(context, project).values()):
        return None
    return _type(project, name)


def _type(project: ContainerReference, name: str) -> Node:
    return Node("ArtifactType", (project, name), type_node(name))


@resolves("ArtifactType", "artifactCollections")
def collections_of_type(
    context: Context, source: tuple[ContainerReference, str], arguments: Arguments
) -> dict[str, Any]:
    """Return the collections of a type."""
    project, type_ = source
    found = [one for one in listed(context, project).values() if one.type == type_]
    return collections_page(found, arguments)


@resolves("ArtifactType", "artifactCollection")
def collection_of_type(
    context: Context, source: tuple[ContainerReference, str], arguments: Arguments
) -> Node | None:
    """Return a collection of a type by its name, or None."""
    project, type_ = source
    found = listed(context, project).get(arguments.text("name"))
    return None if found is None or found.type != type_ else collection_node(found.reference)


@resolves(COLLECTION, "defaultArtifactType")
def default_type(
    context: Context, reference: CollectionReference, _arguments: Arguments
) -> dict[str, Any]:
    """Return the type of its versions."""
    return type_node(detail(context, reference).type)


@resolves(COLLECTION, "createdAt", "updatedAt")
def created_at(
    context: Context, reference: CollectionReference, _arguments: Arguments
) -> str | None:
    """Return when it was made."""
    return moment(detail(context, reference).created_at)


@resolves(COLLECTION, "tags")
def tags(context: Context, reference: CollectionReference, arguments: Arguments) -> dict[str, Any]:
    """Return its tags."""
    found = detail(context, reference).tags
    return nodes(found, arguments, tag_node)


@resolves(COLLECTION, "aliases")
def aliases(
    context: Context, reference: CollectionReference, arguments: Arguments
) -> dict[str, Any]:
    """Return the aliases of its versions."""
    row = find_collection(context.reader.connection, reference)
    found = [
        alias
        for member in members_of(context.reader, row)
        for alias in shown(context, member).aliases
    ]
    return nodes(found, arguments, lambda one: alias_node(reference, one))


@resolves(COLLECTION, "artifacts")
def artifacts(
    context: Context, reference: CollectionReference, arguments: Arguments
) -> dict[str, Any]:
    """Return its versions as artifacts, the newest first, each edge with its index here."""
    row = find_collection(context.reader.connection, reference)
    members = members_of(context.reader, row)
    kept = select(members, lambda one: membership_facts(context, one), arguments)
    return connection(
        kept,
        arguments,
        lambda one: {"version": f"v{one.index}", "node": artifact_node(context, one.version_id)},
    )


@resolves(COLLECTION, "artifactMemberships")
def memberships(
    context: Context, reference: CollectionReference, arguments: Arguments
) -> dict[str, Any]:
    """Return its versions, the newest first."""
    row = find_collection(context.reader.connection, reference)
    members = members_of(context.reader, row)
    kept = select(members, lambda one: membership_facts(context, one), arguments)
    return nodes(kept, arguments, membership_node)


@resolves(COLLECTION, "artifactMembership")
def membership(
    context: Context, reference: CollectionReference, arguments: Arguments
) -> Node | None:
    """Return the version that an alias, index or digest names, or None."""
    found = find_selected(context, reference, arguments.text("aliasName"))
    return None if found is None else membership_node(found)


@resolves(COLLECTION, "latestArtifact")
def latest_artifact(
    context: Context, reference: CollectionReference, _arguments: Arguments
) -> Node | None:
    """Return the artifact that `latest` names, or None."""
    found = find_selected(context, reference, "latest")
    return None if found is None else artifact_node(context, found.version_id)


@resolves("Mutation", "updateArtifactSequence", "updateArtifactPortfolio")
def update(context: Context, _source: None, arguments: Arguments) -> dict[str, Any]:
    """Accept a collection as it is: the SDK sends it before its tags. Refuse any change."""
    given = arguments.object("input")
    names = ("artifactSequenceID", "artifactPortfolioID")
    text = next((found for name in names if (found := given.optional_text(name))), "")
    reference = read_collection_id(text)
    find_collection(context.reader.connection, reference)
    if given.optional_text("name") not in {None, reference.name}:
        raise InvalidInput(f"collection {reference} cannot be renamed", "History names it.")
    if given.optional_text("description"):
        raise InvalidInput(
            f"collection {reference} cannot have a description",
            "Describe a version, or tag the collection.",
        )
    return {"artifactCollection": collection_node(reference)}


@resolves("Mutation", "moveArtifactSequence")
def change_type(_context: Context, _source: None, arguments: Arguments) -> None:
    """Refuse to change a collection's type."""
    reference = read_collection_id(arguments.object("input").text("artifactSequenceID"))
    raise InvalidInput(
        f"the type of collection {reference} cannot be changed",
        "Its first version fixed it; log to another collection.",
    )
