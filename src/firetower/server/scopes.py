"""Where an automation watches, as W&B names it: by the id of a project, collection or entity."""

import re

from firetower.core.errors import InvalidInput
from firetower.core.references import CollectionReference, ContainerKind
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, Scope
from firetower.core.text import quoted, shortened
from firetower.server.catalog import collection_id, read_collection_id
from firetower.server.containers import (
    entity_id,
    project_id,
    read_entity_id,
    read_project_id,
    wandb_names,
)

_SPECIAL = re.compile(r"[*?[]")
_ESCAPED = re.compile(r"\[([*?[])\]")


def read_scope(type_: str, id_: str) -> Scope:
    """Return the scope that a type and an id name. Raises InvalidInput."""
    match type_:
        case "PROJECT":
            return ContainerScope(container=read_project_id(id_))
        case "ENTITY":
            return ContainerScope(container=read_entity_id(id_))
        case "ARTIFACT_COLLECTION":
            return _scope_of(read_collection_id(id_))
    raise InvalidInput(
        f"there is no scope type {quoted(shortened(type_, 40))}",
        "Choose PROJECT, ARTIFACT_COLLECTION or ENTITY.",
    )


def _scope_of(collection: CollectionReference) -> Scope:
    """Return the scope of one collection; in a project that is a pattern that it alone matches."""
    if collection.container.kind is ContainerKind.REGISTRY:
        return CollectionScope(collection=collection)
    glob = _SPECIAL.sub(r"[\g<0>]", collection.name)
    return CollectionsScope(container=collection.container, glob=glob)


def write_scope(scope: Scope) -> dict[str, object]:
    """Return a scope as W&B's API does.

    It has no name for some collections of a project: for these it is the project.
    """
    collection = _only_collection(scope)
    if collection is not None:
        in_registry = collection.container.kind is ContainerKind.REGISTRY
        return {
            "__typename": "ArtifactPortfolio" if in_registry else "ArtifactSequence",
            "id": collection_id(collection),
            "name": collection.name,
        }
    container = scope.container
    if not container.kind.covers_several:
        name = wandb_names(container)[1]
        return {"__typename": "Project", "id": project_id(container), "name": name}
    return {
        "__typename": "Entity",
        "id": entity_id(container.name),
        "name": container.name,
        "entityType": "team" if container.kind is ContainerKind.ENTITY else "organization",
    }


def _only_collection(scope: Scope) -> CollectionReference | None:
    """Return the collection of a scope that no other can be in, or None."""
    match scope:
        case CollectionScope():
            return scope.collection
        case CollectionsScope(glob=str(glob), artifact_type=None):
            name = _ESCAPED.sub(r"\1", glob)
            if _SPECIAL.sub(r"[\g<0>]", name) == glob:
                return CollectionReference(container=scope.container, name=name)
    return None
