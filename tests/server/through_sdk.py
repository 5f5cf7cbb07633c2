"""Automations as W&B's own classes read them from our answers, and as they write them."""

import json
from typing import Any

from wandb.automations import Automation, NewAutomation
from wandb.automations._generated import TriggerFields
from wandb.automations._inputs import prepare_to_create, prepare_to_update

from core.builders import MODELS, NOON, VISION, make_definition, make_revision
from firetower.core.automations import Automation as Saved
from firetower.core.automations import Definition, Mode
from firetower.core.endpoints import Endpoint, EndpointKind, EndpointSettings
from firetower.core.references import CollectionReference, ContainerReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, Scope
from firetower.server.actions import write_integration
from firetower.server.automations import read_automation, read_changes, write_trigger
from firetower.server.fields import Arguments, make_id

ENDPOINTS = [
    Endpoint(
        id=1,
        settings=EndpointSettings(name="ci", kind=EndpointKind.WEBHOOK, url="https://ci.example/"),
        created_at=NOON,
    ),
    Endpoint(
        id=2,
        settings=EndpointSettings(name="team", kind=EndpointKind.SLACK, url_secret="SLACK"),
        created_at=NOON,
    ),
]
WEBHOOK, SLACK = (str(write_integration(one)["id"]) for one in ENDPOINTS)
GONE = make_id("GenericWebhookIntegration", 9)
ACME = ContainerReference.entity_named("acme")
WHOLE = [
    ContainerScope(container=one)
    for one in (VISION, MODELS, ACME, ContainerReference.organization())
]
IN_REGISTRY = CollectionScope(collection=CollectionReference.parse("models/resnet"))
IN_PROJECT = CollectionsScope(container=VISION, glob="resnet")


def saved(definition: Definition, mode: Mode = Mode.ENABLED) -> Saved:
    return Saved(1, definition.name, make_revision(definition, mode=mode), NOON)


def read_by_sdk(automation: Saved) -> Automation:
    """Return an automation as W&B's classes read it from the answer to their query."""
    answer = write_trigger(automation, ENDPOINTS)
    answer["event"] = answer.pop("triggeringCondition")
    answer["action"] = answer.pop("triggeredAction")
    fields = TriggerFields.model_validate_json(json.dumps(answer))
    return Automation.model_validate(fields)


def changed(automation: Saved, **kwargs: Any) -> tuple[Definition, Mode]:
    """Return what is saved after W&B's SDK has read an automation, and written it back."""
    written = prepare_to_update(read_by_sdk(automation), **kwargs).model_dump()
    return read_changes(Arguments(written), automation, ENDPOINTS)


def created(new: NewAutomation, **kwargs: Any) -> Definition:
    """Return what is saved of an automation that W&B's SDK creates."""
    written = prepare_to_create(new, name="new", **kwargs).model_dump()
    definition, mode = read_automation(Arguments(written), ENDPOINTS)
    assert mode is Mode.ENABLED
    return definition


def scope_of_sdk(scope: Scope) -> Any:
    """Return a scope as W&B's classes read it."""
    return read_by_sdk(saved(make_definition(scope=scope))).scope
