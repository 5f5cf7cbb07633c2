"""The collections of projects and registries, and their types."""

from firetower.core.catalog import Collection, Container
from firetower.core.errors import InvalidInput, NotFound
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    check_name,
)
from firetower.server.catalog import (
    alias_node,
    artifact_node,
    collection_node,
    find_selected,
    membership_facts,
    membership_node,
    read_collection_id,
    shown,
    type_node,
)
from firetower.server.containers import ORGANIZATION, project_facts
from firetower.server.fields import Answer, Arguments, Context, Node, connection, moment, nodes
from firetower.server.selection import Facts, select
from firetower.store.catalog import containers
from firetower.store.catalog.deletion import delete_collection
from firetower.store.catalog.lookups import FoundVersion, collection_row, find_collection
from firetower.store.catalog.versions import members_of, newest_logged


def listed(context: Context, container: ContainerReference) -> dict[str, Collection]:
    """Return the collections of a project or registry by name."""

    def read() -> dict[str, Collection]:
        found = containers.list_collections(context.reader, container)
        return {one.reference.name: one for one in found}

    return context.cached(("collections", container), read)


def detail(context: Context, reference: CollectionReference) -> Collection:
    """Return a collection as the catalog shows it. Raises NotFound for one that was deleted."""
    found = listed(context, reference.container).get(reference.name)
    if found is None:
        raise NotFound(f"collection {reference} was deleted", "Log or link into it to make it.")
    return found


def created_at(context: Context, reference: CollectionReference, _: Arguments) -> str | None:
    """Return when a collection was made."""
    return moment(detail(context, reference).created_at)


def _facts(collection: Collection) -> Facts:
    return {
        "name": collection.reference.name,
        "tag": list(collection.tags),
        "type": collection.type,
        "description": "",
        "created_at": moment(collection.created_at),
        "updated_at": moment(collection.created_at),
    }


def _page(found: list[Collection], arguments: Arguments) -> Answer:
    kept = select(found, _facts, arguments)
    return nodes(kept, arguments, lambda one: collection_node(one.reference))


def collections_of(context: Context, project: ContainerReference, arguments: Arguments) -> Answer:
    """Return the collections of a project or registry."""
    return _page(list(listed(context, project).values()), arguments)


def collection_of(
    context: Context, project: ContainerReference, arguments: Arguments
) -> Node | None:
    """Return a collection by its name, or None."""
    name = check_name(arguments.text("name"), "collection name")
    return _existing(context, CollectionReference(container=project, name=name))


def collection(context: Context, arguments: Arguments) -> Node | None:
    """Return a collection by its id, or None."""
    return _existing(context, read_collection_id(arguments.text("id")))


def _existing(context: Context, reference: CollectionReference) -> Node | None:
    row = collection_row(context.reader.connection, reference)
    is_there = row is not None and newest_logged(context.reader.connection, row) is not None
    return collection_node(reference) if is_there else None


def types_of(context: Context, project: ContainerReference, arguments: Arguments) -> Answer:
    """Return the types of a project's collections."""
    types = sorted({one.type for one in listed(context, project).values()})
    return nodes(types, arguments, lambda one: _type(project, one))


def type_in(context: Context, project: ContainerReference, arguments: Arguments) -> Node | None:
    """Return a type of a project's collections, or None where no collection has it."""
    name = arguments.text("name")
    has_it = any(one.type == name for one in listed(context, project).values())
    return _type(project, name) if has_it else None


def _type(project: ContainerReference, name: str) -> Node:
    return Node("ArtifactType", (project, name), type_node(name))


def collections_of_type(
    context: Context, source: tuple[ContainerReference, str], arguments: Arguments
) -> Answer:
    """Return the collections of a type."""
    project, type_ = source
    found = [one for one in listed(context, project).values() if one.type == type_]
    return _page(found, arguments)


def collection_of_type(
    context: Context, source: tuple[ContainerReference, str], arguments: Arguments
) -> Node | None:
    """Return a collection of a type by its name, or None."""
    project, type_ = source
    found = listed(context, project).get(arguments.text("name"))
    return None if found is None or found.type != type_ else collection_node(found.reference)


def _members(context: Context, reference: CollectionReference) -> list[FoundVersion]:
    return members_of(context.reader, find_collection(context.reader.connection, reference))


def _selected(
    context: Context, found: list[FoundVersion], arguments: Arguments
) -> list[FoundVersion]:
    return select(found, lambda one: membership_facts(context, one), arguments)


def aliases(context: Context, reference: CollectionReference, arguments: Arguments) -> Answer:
    """Return the aliases of a collection's versions."""
    members = _members(context, reference)
    found = [alias for member in members for alias in shown(context, member).aliases]
    return nodes(found, arguments, lambda one: alias_node(reference, one))


def artifacts(context: Context, reference: CollectionReference, arguments: Arguments) -> Answer:
    """Return its versions as artifacts, the newest first, each edge with its index here."""
    return connection(
        _selected(context, _members(context, reference), arguments),
        arguments,
        lambda one: {"version": f"v{one.index}", "node": artifact_node(context, one.version_id)},
    )


def memberships(context: Context, reference: CollectionReference, arguments: Arguments) -> Answer:
    """Return its versions, the newest first."""
    found = _selected(context, _members(context, reference), arguments)
    return nodes(found, arguments, membership_node)


def membership(
    context: Context, reference: CollectionReference, arguments: Arguments
) -> Node | None:
    """Return the version that an alias, index or digest names, or None."""
    found = find_selected(context, reference, arguments.text("aliasName"))
    return None if found is None else membership_node(found)


def latest_artifact(context: Context, reference: CollectionReference, _: Arguments) -> Node | None:
    """Return the artifact that `latest` names, or None."""
    found = find_selected(context, reference, "latest")
    return None if found is None else artifact_node(context, found.version_id)


def registries_collections(context: Context, entity: str, arguments: Arguments) -> Answer:
    """Return the collections of registries."""
    return _page(_in_registries(context, entity, arguments), arguments)


def registries_memberships(context: Context, entity: str, arguments: Arguments) -> Answer:
    """Return the versions that are linked in registries, of each collection the newest first."""
    every = _in_registries(context, entity, arguments)
    chosen = select(every, _facts, arguments, "collectionFilters", order="")
    found = [member for one in chosen for member in _members(context, one.reference)]
    return nodes(_selected(context, found, arguments), arguments, membership_node)


def _in_registries(context: Context, entity: str, arguments: Arguments) -> list[Collection]:
    """Return the collections of the registries that `projectFilters` let through."""
    every: list[Container] = []
    if entity == ORGANIZATION:
        every = containers.list_containers(context.reader, ContainerKind.REGISTRY)
    registries = select(
        every, lambda one: project_facts(context, one), arguments, "projectFilters", order=""
    )
    return [found for one in registries for found in listed(context, one.reference).values()]


def delete(context: Context, given: Arguments) -> Answer:
    """Delete a collection with its versions, in a registry with its links."""
    reference = _given(given)
    delete_collection(context.change, reference)
    type_ = collection_node(reference).type
    return {"artifactCollection": {"__typename": type_, "state": "DELETED"}}


def _given(given: Arguments) -> CollectionReference:
    """Return the collection that an input names."""
    names = ("artifactSequenceID", "artifactPortfolioID")
    text = next((found for name in names if (found := given.optional_text(name))), "")
    return read_collection_id(text)


def update(context: Context, given: Arguments) -> Answer:
    """Accept a collection as it is: the SDK sends it before its tags. Refuse any change."""
    reference = _given(given)
    find_collection(context.reader.connection, reference)
    if given.optional_text("name") not in {None, reference.name}:
        raise InvalidInput(f"collection {reference} cannot be renamed", "History names it.")
    if given.optional_text("description"):
        raise InvalidInput(
            f"collection {reference} cannot have a description",
            "Describe a version, or tag the collection.",
        )
    return {"artifactCollection": collection_node(reference)}
