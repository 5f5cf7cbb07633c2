"""The collections of projects and registries, and their types."""

from collections.abc import Iterable

from firetower.core.catalog import Collection, Container
from firetower.core.errors import InvalidInput, NotFound
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.server.catalog import (
    collection_node,
    membership_facts,
    membership_node,
    read_collection_id,
    type_node,
)
from firetower.server.containers import ORGANIZATION, project_facts
from firetower.server.fields import Answer, Arguments, Context, Facts, Node, moment, nodes, select
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


def _facts(collection: Collection) -> Facts:
    return {
        "name": collection.reference.name,
        "tag": list(collection.tags),
        "type": collection.type,
        "description": "",
        "created_at": moment(collection.created_at),
        "updated_at": moment(collection.created_at),
    }


def page_of(found: Iterable[Collection], arguments: Arguments) -> Answer:
    """Return a page of the collections that a field's filters let through."""
    kept = select(found, _facts, arguments)
    return nodes(kept, arguments, lambda one: collection_node(one.reference))


def existing(context: Context, reference: CollectionReference) -> Node | None:
    """Return a collection, or None where it has no versions."""
    row = collection_row(context.reader, reference)
    is_there = row is not None and newest_logged(context.reader, row) is not None
    return collection_node(reference) if is_there else None


def types_of(context: Context, project: ContainerReference) -> dict[str, Node]:
    """Return the types of a project's collections, each by its name."""
    types = sorted({one.type for one in listed(context, project).values()})
    return {type_: Node("ArtifactType", (project, type_), type_node(type_)) for type_ in types}


def of_type(context: Context, source: tuple[ContainerReference, str]) -> dict[str, Collection]:
    """Return the collections of a type by name."""
    project, type_ = source
    return {name: one for name, one in listed(context, project).items() if one.type == type_}


def collection_of_type(
    context: Context, source: tuple[ContainerReference, str], arguments: Arguments
) -> Node | None:
    """Return a collection of a type by its name, or None."""
    found = of_type(context, source).get(arguments.text("name"))
    return None if found is None else collection_node(found.reference)


def members(context: Context, reference: CollectionReference) -> list[FoundVersion]:
    """Return the versions of a collection, the newest first."""
    return members_of(context.reader, find_collection(context.reader, reference))


def selected(
    context: Context, found: Iterable[FoundVersion], arguments: Arguments
) -> list[FoundVersion]:
    """Return the versions that a field's filters let through, in its order."""
    return select(found, lambda one: membership_facts(context, one), arguments)


def registries_memberships(context: Context, entity: str, arguments: Arguments) -> Answer:
    """Return the versions that are linked in registries, of each collection the newest first."""
    every = in_registries(context, entity, arguments)
    chosen = select(every, _facts, arguments, "collectionFilters", order="")
    found = [member for one in chosen for member in members(context, one.reference)]
    return nodes(selected(context, found, arguments), arguments, membership_node)


def in_registries(context: Context, entity: str, arguments: Arguments) -> list[Collection]:
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
    find_collection(context.reader, reference)
    if given.optional_text("name") not in {None, reference.name}:
        raise InvalidInput(f"collection {reference} cannot be renamed", "History names it.")
    if given.optional_text("description"):
        raise InvalidInput(
            f"collection {reference} cannot have a description",
            "Describe a version, or tag the collection.",
        )
    return {"artifactCollection": collection_node(reference)}
