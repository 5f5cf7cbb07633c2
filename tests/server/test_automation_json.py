"""W&B's JSON of automations: what its own classes read of ours, and what we read of theirs."""

import json
from typing import Any

import pytest
from hypothesis import given
from wandb.automations import (
    ArtifactEvent,
    DoNothing,
    OnAddArtifactAlias,
    OnAddArtifactTag,
    OnAddCollectionTag,
    OnCreateArtifact,
    OnLinkArtifact,
    OnRemoveArtifactTag,
    OnRemoveCollectionTag,
    OnUnlinkArtifact,
    SendNotification,
    SendWebhook,
)
from wandb.automations._inputs import prepare_to_create, prepare_to_update

from core.builders import VISION, allowed_events, make_definition
from core.strategies import filters
from firetower.core.actions import Action, NoAction, Severity, SlackAction, WebhookAction
from firetower.core.automations import Mode
from firetower.core.drafts import Draft, read_draft
from firetower.core.errors import FiretowerError
from firetower.core.events import EventType
from firetower.core.filters import ANY, Filter
from firetower.core.filters.patterns import Pattern
from firetower.core.scopes import CollectionsScope, Scope
from firetower.server.automations import read_automation, read_changes, write_scope
from firetower.server.events import plain_filter
from firetower.server.fields import Arguments, make_id
from server.through_sdk import (
    ENDPOINTS,
    IN_PROJECT,
    IN_REGISTRY,
    SLACK,
    WEBHOOK,
    WHOLE,
    changed,
    created,
    read_by_sdk,
    saved,
    scope_of_sdk,
)


def test_what_the_sdk_reads_it_writes_back_unchanged() -> None:
    nothing = NoAction()
    cases: list[tuple[Scope, Action, Mode]] = [
        (CollectionsScope(container=VISION, glob="a[*][?][[]]"), nothing, Mode.DISABLED),
        (CollectionsScope(container=VISION, glob="resnet-*"), nothing, Mode.SHADOW),
        (CollectionsScope(container=VISION, regex=Pattern("^a")), nothing, Mode.ENABLED),
        (CollectionsScope(container=VISION, artifact_type="model"), nothing, Mode.ENABLED),
        (IN_REGISTRY, WebhookAction(endpoint="ci"), Mode.ENABLED),
        (IN_REGISTRY, WebhookAction(endpoint="ci", payload='{ "a": "${alias}" }'), Mode.ENABLED),
        (IN_REGISTRY, WebhookAction(endpoint="ci", payload='{"a": ${alias}}'), Mode.ENABLED),
        (IN_REGISTRY, WebhookAction(endpoint="ci", payload='["${alias}"]'), Mode.ENABLED),
        (IN_REGISTRY, SlackAction(endpoint="team"), Mode.ENABLED),
        (
            IN_REGISTRY,
            SlackAction(endpoint="team", title="a", message="b", severity=Severity.ERROR),
            Mode.ENABLED,
        ),
    ]
    every: list[Scope] = [*WHOLE, IN_REGISTRY, IN_PROJECT]
    cases += [(scope, nothing, Mode.ENABLED) for scope in every]
    for scope, action, mode in cases:
        automation = saved(make_definition(scope=scope, action=action), mode)
        assert changed(automation) == (automation.definition, mode), (scope, action)


@pytest.mark.parametrize("scope", [*WHOLE, IN_REGISTRY, IN_PROJECT], ids=str)
def test_every_event_is_read_and_written_back(scope: Scope) -> None:
    for type_ in allowed_events(scope.container.kind):
        if "run" in type_.spec.carries:
            continue
        automation = saved(make_definition(scope=scope, event_type=type_))
        if type_ is EventType.REMOVE_ARTIFACT_ALIAS:  # W&B has none: its SDK reads, never writes it
            assert read_by_sdk(automation).event.event_type == "UPDATE_ARTIFACT_ALIAS"
        else:
            assert changed(automation) == (automation.definition, Mode.ENABLED)


@given(filters)
def test_every_filter_comes_back(source: dict[str, Any]) -> None:
    automation = saved(make_definition(filter_=source))
    definition, _ = changed(automation)
    assert definition == automation.definition
    # the same, were the text not kept
    other = saved(make_definition(filter_={"alias": "other"}))
    written = prepare_to_update(read_by_sdk(automation)).model_dump()
    definition, _ = read_changes(Arguments(written), other, ENDPOINTS)
    assert plain_filter(definition.filter) == plain_filter(automation.definition.filter)


FILTERS: list[tuple[Any, dict[str, Any]]] = [
    (ArtifactEvent.alias.matches_regex("^prod"), {"alias": {"$regex": "^prod"}}),
    (ArtifactEvent.alias.eq("prod"), {"alias": {"$eq": "prod"}}),
    (ArtifactEvent.alias.ne("prod"), {"alias": {"$ne": "prod"}}),
    (ArtifactEvent.alias.contains("prod"), {"alias": {"$contains": "prod"}}),
    (ArtifactEvent.alias.in_(["a", "b"]), {"alias": {"$in": ["a", "b"]}}),
    (ArtifactEvent.alias.not_in(["a"]), {"alias": {"$nin": ["a"]}}),
    (ArtifactEvent.alias.exists(), {"alias": {"$exists": True}}),
    (ArtifactEvent.alias.gt("a"), {"alias": {"$gt": "a"}}),
    (ArtifactEvent.alias.gte("a"), {"alias": {"$gte": "a"}}),
    (ArtifactEvent.alias.lt("a"), {"alias": {"$lt": "a"}}),
    (ArtifactEvent.alias.lte("a"), {"alias": {"$lte": "a"}}),
    (~ArtifactEvent.alias.eq("prod"), {"$not": {"alias": {"$eq": "prod"}}}),
    (
        ArtifactEvent.alias.eq("a") | ArtifactEvent.alias.eq("b"),
        {"$or": [{"alias": {"$eq": "a"}}, {"alias": {"$eq": "b"}}]},
    ),
]


@pytest.mark.parametrize(("filter_", "written"), FILTERS, ids=[str(one[1]) for one in FILTERS])
def test_a_filter_of_the_sdk_is_that_of_the_form(filter_: Any, written: dict[str, Any]) -> None:
    event = OnAddArtifactAlias(scope=scope_of_sdk(IN_REGISTRY), filter=filter_)
    definition = created(event >> DoNothing())
    assert definition.filter == Filter.of({"$or": [{"$and": [written]}]})
    draft = Draft.of(saved(definition))
    assert read_draft(draft).checked() == definition
    assert bool(draft.alias) is ("$regex" in json.dumps(written))


def test_every_event_class_of_artifacts_is_created() -> None:
    registry, collection = scope_of_sdk(WHOLE[1]), scope_of_sdk(IN_PROJECT)
    events = [
        (OnLinkArtifact, registry, EventType.LINK_ARTIFACT),
        (OnUnlinkArtifact, registry, EventType.UNLINK_ARTIFACT),
        (OnCreateArtifact, collection, EventType.CREATE_ARTIFACT),
        (OnAddArtifactAlias, collection, EventType.ADD_ARTIFACT_ALIAS),
        (OnAddArtifactTag, registry, EventType.ADD_ARTIFACT_TAG),
        (OnRemoveArtifactTag, registry, EventType.REMOVE_ARTIFACT_TAG),
        (OnAddCollectionTag, registry, EventType.ADD_COLLECTION_TAG),
        (OnRemoveCollectionTag, registry, EventType.REMOVE_COLLECTION_TAG),
    ]
    for class_, scope, type_ in events:
        definition = created(class_(scope=scope) >> DoNothing())
        assert definition.event_type is type_
        assert definition.filter == ANY
        assert definition.scope == (IN_PROJECT if scope is collection else WHOLE[1])
        definition.check(frozenset())


def test_every_action_class_is_created() -> None:
    event = OnLinkArtifact(scope=scope_of_sdk(IN_REGISTRY))
    payload = {"ref": "${artifact_version_string}", "n": 1}
    actions: list[tuple[Any, Action]] = [
        (DoNothing(), NoAction()),
        (SendWebhook(integration_id=WEBHOOK), WebhookAction(endpoint="ci")),
        (
            SendWebhook(integration_id=WEBHOOK, request_payload=payload),
            WebhookAction(endpoint="ci", payload=json.dumps(payload, separators=(",", ":"))),
        ),
        (SendNotification(integration_id=SLACK), SlackAction(endpoint="team")),
        (
            SendNotification(integration_id=SLACK, title="a", text="b", level="warn"),
            SlackAction(endpoint="team", title="a", message="b", severity=Severity.WARN),
        ),
    ]
    for action, expected in actions:
        assert created(event >> action, description="why").action == expected


def test_an_update_changes_what_differs() -> None:
    definition = make_definition(
        scope=CollectionsScope(container=VISION, glob="resnet-*"),
        event_type=EventType.ADD_ARTIFACT_TAG,
        action=WebhookAction(endpoint="ci", payload='{"a": ${tag}}'),
    )
    automation = saved(definition, Mode.SHADOW)
    for kwargs, expected, mode in (
        ({"name": "b", "description": "c"}, {"name": "b", "description": "c"}, Mode.SHADOW),
        ({"enabled": True}, {}, Mode.ENABLED),
        ({"scope": scope_of_sdk(IN_PROJECT)}, {"scope": IN_PROJECT}, Mode.SHADOW),
        ({"action": DoNothing()}, {"action": NoAction()}, Mode.SHADOW),
        (
            {
                "event": OnAddArtifactAlias(
                    scope=scope_of_sdk(WHOLE[0]), filter=ArtifactEvent.alias.eq("x")
                )
            },
            {
                "event_type": EventType.ADD_ARTIFACT_ALIAS,
                "filter": Filter.of({"$or": [{"$and": [{"alias": {"$eq": "x"}}]}]}),
            },
            Mode.SHADOW,
        ),
    ):
        assert changed(automation, **kwargs) == (definition.model_copy(update=expected), mode)
    assert changed(saved(definition), enabled=False)[1] is Mode.DISABLED


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"triggeringEventType": "WEAVE_METRIC_THRESHOLD"}, "there is no event type"),
    ({"triggeredActionType": "ARIA"}, 'there is no action "ARIA" here'),
    ({"scopeType": "RUN"}, 'there is no scope type "RUN"'),
    ({"scopeID": "acme"}, "is not the id of a"),
    ({"scopeType": "ENTITY"}, "is not the id of a Entity"),
    ({"eventFilter": "{"}, "the filter is not JSON"),
    ({"eventFilter": '{"color": 1}'}, "a filter cannot ask for the field"),
    ({"name": ""}, ""),
    ({"name": None}, "name is missing"),
    ({"triggeredActionConfig": {}}, "integrationID is missing"),
    (
        {"triggeredActionConfig": {"genericWebhookActionInput": {"integrationID": SLACK}}},
        "is not the id of a GenericWebhookIntegration",
    ),
    (
        {
            "triggeredActionConfig": {
                "genericWebhookActionInput": {
                    "integrationID": make_id("GenericWebhookIntegration", 9)
                }
            }
        },
        "there is no webhook with the id of the integration",
    ),
    (
        {
            "triggeredActionConfig": {
                "genericWebhookActionInput": {"integrationID": WEBHOOK, "requestPayload": "{"}
            }
        },
        "the payload is not JSON",
    ),
]


@pytest.mark.parametrize(("given", "said"), REFUSED, ids=[one[1] or "name" for one in REFUSED])
def test_a_wrong_input_is_refused_in_two_lines(given: dict[str, Any], said: str) -> None:
    event = OnAddArtifactAlias(scope=scope_of_sdk(WHOLE[1]))
    new = event >> SendWebhook(integration_id=WEBHOOK)
    written = prepare_to_create(new, name="new").model_dump()
    with pytest.raises(FiretowerError) as refused:
        read_automation(Arguments({**written, **given}), ENDPOINTS)[0].check(frozenset())
    assert said in refused.value.message
    assert refused.value.hint


def test_an_event_is_refused_where_it_never_fires() -> None:
    event = OnLinkArtifact(scope=scope_of_sdk(IN_PROJECT))
    with pytest.raises(FiretowerError, match=r"LINK_ARTIFACT .* happens only in a registry"):
        created(event >> DoNothing()).check(frozenset())
    assert write_scope(IN_PROJECT)["__typename"] == "ArtifactSequence"
