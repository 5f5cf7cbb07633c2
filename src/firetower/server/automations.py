"""W&B's automations, which its API calls triggers: listed, made, changed and deleted."""

import re
from collections.abc import Sequence
from typing import Any

from firetower.core.automations import Automation, Definition, Mode
from firetower.core.endpoints import Endpoint
from firetower.core.errors import InvalidInput
from firetower.core.json import parse
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    one_spelling,
)
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, Scope
from firetower.core.text import quoted, shortened
from firetower.server.actions import read_action, write_action
from firetower.server.catalog import collection_id, read_collection_id
from firetower.server.containers import container_id, read_container_id, wandb_names
from firetower.server.events import is_readable, read_event, write_event
from firetower.server.fields import (
    Answer,
    Arguments,
    Context,
    HttpNotFound,
    connection_of,
    make_id,
    moment,
    page,
    read_number_id,
)
from firetower.store import automations as store
from firetower.store.endpoints import list_endpoints

_SPECIAL = re.compile(r"[*?[]")
_ESCAPED = re.compile(r"\[([*?[])\]")


def create_trigger(context: Context, given: Arguments) -> Answer:
    """Save a new automation."""
    endpoints = list_endpoints(context.reader)
    created = store.create_automation(context.change, *read_automation(given, endpoints))
    return {"trigger": write_trigger(created, endpoints)}


def update_trigger(context: Context, given: Arguments) -> Answer:
    """Save a changed automation."""
    automation = _find(context, given.text("id"))
    endpoints = list_endpoints(context.reader)
    edited = store.edit_automation(
        context.change, automation.name, *read_changes(given, automation, endpoints)
    )
    return {"trigger": write_trigger(edited, endpoints)}


def delete_trigger(context: Context, given: Arguments) -> Answer:
    """Delete an automation."""
    automation = _find(context, given.text("triggerID"))
    store.delete_automation(context.change, automation.name)
    return {"success": True}


def _find(context: Context, id_: str) -> Automation:
    found = store.automation_by_id(context.reader, read_number_id(id_, "Trigger"))
    if found is None:
        raise HttpNotFound(
            "there is no such automation", "It may be deleted: list the automations."
        )
    return found


def triggers_of(
    context: Context, container: ContainerReference, _: Arguments
) -> list[dict[str, Any]]:
    """Return the automations that watch a project or registry, all or a part of it."""
    endpoints = list_endpoints(context.reader)
    found = store.list_automations(context.reader, container)
    return [write_trigger(one, endpoints) for one in found if is_readable(one.definition)]


def triggers_seen_by(context: Context, entity: str, arguments: Arguments) -> Answer:
    """Return a page of the automations that an entity sees, by name.

    Those are its own, those of its projects, and those of registries and the organization, which
    W&B lists for the organization's entity only.
    """
    endpoints, name = list_endpoints(context.reader), _asked_name(arguments)
    start, count = page(arguments)
    found, total = store.page_of_entity(context.reader, entity, name, start, count)

    def edge(one: Automation) -> Answer:
        return {"node": write_trigger(one, endpoints) if is_readable(one.definition) else None}

    answer = connection_of(found, start, total, edge)
    return {**answer, "edges": [one for one in answer["edges"] if one["node"] is not None]}


def _asked_name(arguments: Arguments) -> str | None:
    """Return the name in the filter of a list. Raises InvalidInput for any other filter."""
    text = arguments.optional_text("filters")
    match None if text is None else parse(text, "the filter"):
        case None:
            return None
        case {"name": str(name) | {"$eq": str(name)}}:
            return one_spelling(name)
    raise InvalidInput(
        f"automations cannot be filtered by {quoted(shortened(text or '', 60))}",
        'Give no filter, or {"name": "NAME"}.',
    )


def read_automation(given: Arguments, endpoints: Sequence[Endpoint]) -> tuple[Definition, Mode]:
    """Read the input of a new automation. Raises InvalidInput, NotFound."""
    definition = Definition(
        name=given.text("name"),
        description=given.optional_text("description") or "",
        scope=read_scope(given.text("scopeType"), given.text("scopeID")),
        action=read_action(given, None, endpoints),
        **read_event(given, None),
    )
    return definition, Mode.ENABLED if given.flag("enabled", default=True) else Mode.DISABLED


def read_changes(
    given: Arguments, automation: Automation, endpoints: Sequence[Endpoint]
) -> tuple[Definition, Mode]:
    """Read the input of a changed automation. Raises InvalidInput, NotFound.

    W&B's SDK sends back all that `write_trigger` answered. What that cannot say stays, unless the
    part that stands for it differs: a cooldown, shadow, some collections of a project, a payload
    with a bare variable.
    """
    before, mode = automation.definition, automation.mode
    changes: dict[str, Any] = read_event(given, before)
    for name in ("name", "description"):
        if given.get(name) is not None:
            changes[name] = given.text(name)
    if given.get("scopeID") not in {None, write_scope(before.scope)["id"]}:
        changes["scope"] = read_scope(given.text("scopeType"), given.text("scopeID"))
    if given.get("triggeredActionType") is not None:
        changes["action"] = read_action(given, before.action, endpoints)
    if given.get("enabled") is not None and given.flag("enabled") is not (mode is Mode.ENABLED):
        mode = Mode.ENABLED if given.flag("enabled") else Mode.DISABLED
    return Definition(**{**dict(before), **changes}), mode


def write_trigger(automation: Automation, endpoints: Sequence[Endpoint]) -> Answer:
    """Return an automation as W&B's API does; in shadow it is not enabled, for it sends nothing."""
    definition, revision = automation.definition, automation.revision
    return {
        "__typename": "Trigger",
        "id": make_id("Trigger", automation.id),
        "createdAt": moment(automation.created_at),
        "updatedAt": moment(revision.saved_at) if revision.number > 1 else None,
        "name": automation.name,
        "description": definition.description or None,
        "enabled": automation.mode is Mode.ENABLED,
        "scope": write_scope(definition.scope),
        "triggeringCondition": write_event(definition),
        "triggeredAction": write_action(definition.action, endpoints),
    }


def read_scope(type_: str, id_: str) -> Scope:
    """Return the scope that a type and an id name. Raises InvalidInput."""
    match type_:
        case "PROJECT" | "ENTITY":
            return ContainerScope(container=read_container_id(id_, type_.capitalize()))
        case "ARTIFACT_COLLECTION":
            collection = read_collection_id(id_)
            if collection.container.kind is ContainerKind.REGISTRY:
                return CollectionScope(collection=collection)
            glob = _SPECIAL.sub(r"[\g<0>]", collection.name)  # that it alone matches
            return CollectionsScope(container=collection.container, glob=glob)
    raise InvalidInput(
        f"there is no scope type {quoted(shortened(type_, 40))}",
        "Choose PROJECT, ARTIFACT_COLLECTION or ENTITY.",
    )


def write_scope(scope: Scope) -> Answer:
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
        return {"__typename": "Project", "id": container_id(container), "name": name}
    return {
        "__typename": "Entity",
        "id": container_id(container),
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
