"""When two automations may send the same event to the same place."""

from typing import Any

import pytest

from core.builders import MODELS, NOON, VISION, make_definition, make_revision
from firetower.core.actions import NoAction, SlackAction, WebhookAction
from firetower.core.automations import Automation, Definition, Mode, may_meet, overlaps
from firetower.core.events import EventType
from firetower.core.references import CollectionReference, ContainerReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, Scope

RESNET = CollectionScope(collection=CollectionReference.parse("models/resnet"))
BERT = CollectionScope(collection=CollectionReference.parse("models/bert"))
WHOLE = ContainerScope(container=MODELS)
PROJECT = ContainerScope(container=VISION)
ACME = ContainerScope(container=ContainerReference.entity_named("acme"))
OTHER = ContainerScope(container=ContainerReference.entity_named("other"))
EVERYTHING = ContainerScope(container=ContainerReference.organization())
SETS = CollectionsScope(container=VISION, artifact_type="dataset")
NETS = CollectionsScope(container=VISION, artifact_type="model")
NAMED = CollectionsScope(container=VISION, glob="res*")


def define(**more: Any) -> Definition:
    given = {
        "scope": WHOLE,
        "event_type": EventType.ADD_ARTIFACT_ALIAS,
        "action": WebhookAction(endpoint="ci"),
        **more,
    }
    return make_definition(**given)


def saved(definition: Definition, mode: Mode = Mode.ENABLED) -> Automation:
    return Automation(
        id=1,
        name=definition.name,
        revision=make_revision(definition, mode=mode),
        created_at=NOON,
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (WHOLE, WHOLE, True),
        (WHOLE, RESNET, True),
        (RESNET, RESNET, True),
        (RESNET, BERT, False),
        (WHOLE, PROJECT, False),
        (WHOLE, ContainerScope(container=ContainerReference.registry("data")), False),
        (PROJECT, SETS, True),
        (SETS, NETS, False),
        (ACME, PROJECT, True),
        (ACME, SETS, True),
        (ACME, WHOLE, False),
        (ACME, OTHER, False),
        (ACME, EVERYTHING, True),
        (EVERYTHING, RESNET, True),
        (SETS, NAMED, True),
    ],
)
def test_scopes_meet_where_one_collection_may_lie_in_both(
    one: Scope, other: Scope, expected: bool
) -> None:
    assert may_meet(one, other) is expected
    assert may_meet(other, one) is expected


@pytest.mark.parametrize(
    ("other", "mode", "expected"),
    [
        (define(), Mode.ENABLED, True),
        (define(scope=RESNET), Mode.ENABLED, True),
        (define(), Mode.DISABLED, False),
        (define(), Mode.SHADOW, False),
        (define(action=WebhookAction(endpoint="other")), Mode.ENABLED, False),
        (define(action=SlackAction(endpoint="ci")), Mode.ENABLED, False),
        (define(event_type=EventType.LINK_ARTIFACT), Mode.ENABLED, False),
        (define(action=NoAction()), Mode.ENABLED, False),
    ],
)
def test_what_sends_the_same_event_to_the_same_place_overlaps(
    other: Definition, mode: Mode, expected: bool
) -> None:
    assert overlaps(define(), saved(other, mode)) is expected


def test_what_sends_nothing_overlaps_with_nothing() -> None:
    assert not overlaps(define(action=NoAction()), saved(define(action=NoAction())))
