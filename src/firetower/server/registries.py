"""Collections and versions across registries."""

from typing import Any

from firetower.core.catalog import Container
from firetower.core.references import ContainerKind
from firetower.server.catalog import membership_facts, membership_node
from firetower.server.collections import collections_page, facts, listed
from firetower.server.containers import ORGANIZATION, project_facts
from firetower.server.fields import Arguments, Context, nodes, resolves
from firetower.server.selection import select
from firetower.store.catalog.containers import list_containers
from firetower.store.catalog.lookups import find_collection
from firetower.store.catalog.versions import members_of


def _registries(context: Context, entity: str, arguments: Arguments) -> list[Container]:
    if entity != ORGANIZATION:
        return []
    found = list_containers(context.reader, ContainerKind.REGISTRY)
    return select(
        found, lambda one: project_facts(context, one), arguments, "projectFilters", order=""
    )


@resolves("Entity", "artifactCollections")
def collections(context: Context, entity: str, arguments: Arguments) -> dict[str, Any]:
    """Return the collections of registries."""
    found = [
        collection
        for registry in _registries(context, entity, arguments)
        for collection in listed(context, registry.reference).values()
    ]
    return collections_page(found, arguments)


@resolves("Entity", "artifactMemberships")
def memberships(context: Context, entity: str, arguments: Arguments) -> dict[str, Any]:
    """Return the versions that are linked in registries, of each collection the newest first."""
    found = []
    for registry in _registries(context, entity, arguments):
        every = list(listed(context, registry.reference).values())
        for collection in select(every, facts, arguments, "collectionFilters", order=""):
            row = find_collection(context.reader.connection, collection.reference)
            found += members_of(context.reader, row)
    kept = select(found, lambda one: membership_facts(context, one), arguments)
    return nodes(kept, arguments, membership_node)
