"""Drafts: what an automation comes back as, and how it is named."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import MODELS, NOON, VISION, make_definition, make_revision
from core.strategies import filters
from firetower.core.actions import NoAction, Severity, SlackAction, WebhookAction
from firetower.core.automations import LONGEST_COOLDOWN, Automation, Definition, Mode
from firetower.core.drafts import Draft, read_draft, suggested_name
from firetower.core.events import EventType, allowed_events
from firetower.core.filters import ANY, Filter, alias_and_tag_filter
from firetower.core.filters.patterns import Pattern
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    check_automation_name,
)
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, Scope

SECRETS = frozenset({"CI_KEY", "ACCESS_TOKEN"})


def automation(definition: Definition, mode: Mode = Mode.ENABLED) -> Automation:
    return Automation(
        id=1,
        name=definition.name,
        revision=make_revision(definition, mode=mode),
        created_at=NOON,
    )


def back(definition: Definition) -> Definition | None:
    """Return what is read from the draft of a definition."""
    reading = read_draft(Draft.of(automation(definition)), SECRETS)
    assert reading.problems == {}
    assert reading.can_be_saved
    return reading.definition


SCOPES: list[Scope] = [
    ContainerScope(container=MODELS),
    ContainerScope(container=VISION),
    CollectionScope(collection=CollectionReference.parse("models/resnet")),
    CollectionsScope(container=VISION, glob="resnet-*"),
    CollectionsScope(container=VISION, regex=Pattern("^(resnet|bert)$")),
    CollectionsScope(container=VISION, regex=Pattern("a/b")),
    CollectionsScope(container=VISION, regex=Pattern("")),
    CollectionsScope(container=VISION, artifact_type="model"),
    CollectionsScope(container=VISION, glob="[ab]?", artifact_type="dataset"),
]


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.label)
def test_every_scope_comes_back(scope: Scope) -> None:
    definition = make_definition(scope=scope)
    assert back(definition) == definition


FILTERS: list[dict[str, Any]] = [
    {},
    {"$or": [{"$and": []}]},
    {"$or": [{"$and": [{"alias": {"$regex": "^prod"}}]}]},
    {"$or": [{"$and": [{"alias": {"$regex": "^prod"}}, {"metadata.f1": {"$gte": 0.9}}]}]},
    {"$or": [{"$and": [{"metadata.f1": {"$gte": 0.9}}, {"alias": {"$regex": "^prod"}}]}]},
    {"$or": [{"$and": [{"alias": {"$regex": "a"}}, {"alias": {"$regex": "b"}}]}]},
    {"$or": [{"$and": [{"alias": {"$regex": ""}}]}]},
    {"$or": [{"$and": [{"alias": {"$regex": "a"}}, {"a": 1}, {"b": 2}]}]},
    {"$or": [{"$and": [{"metadata.f1": 1}]}]},
    {"$or": [{"$and": []}], "metadata.a": 1},
    {"alias": {"$regex": "^prod"}},
    {"alias": {"$in": ["prod", "\x1b[31m"]}},
    {"$not": {"metadata.a": None}},
]


@pytest.mark.parametrize("source", FILTERS, ids=str)
def test_every_filter_comes_back(source: dict[str, Any]) -> None:
    source = _known(source)
    definition = make_definition(filter_=source)
    assert back(definition) == definition


def _known(source: Any) -> Any:
    """Name the fields of the table above so that filters know them."""
    if isinstance(source, dict):
        return {f"metadata.{k}" if k in {"a", "b"} else k: _known(v) for k, v in source.items()}
    return [_known(item) for item in source] if isinstance(source, list) else source


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("^prod", None, None), {"alias": "^prod"}),
        ((None, None, {"metadata.a": 1}), {"filter": '{"metadata.a":1}'}),
        (("^prod", None, {"metadata.a": 1}), {"alias": "^prod", "filter": '{"metadata.a":1}'}),
    ],
)
def test_a_filter_stands_in_the_fields_that_made_it(parts: Any, said: dict[str, str]) -> None:
    alias, tag, other = parts
    filter_ = alias_and_tag_filter(alias, tag, other and Filter.of(other))
    draft = Draft.of(automation(make_definition(filter_=filter_)))
    assert {"alias": draft.alias, "tag": draft.tag, "filter": draft.filter} == {
        "alias": "",
        "tag": "",
        "filter": "",
        **said,
    }


ACTIONS = [
    NoAction(),
    WebhookAction(endpoint="ci-deploy"),
    WebhookAction(endpoint="ci-deploy", payload='{"k": "${CI_KEY}",\n "a": ${alias}}'),
    SlackAction(endpoint="team-ml"),
    SlackAction(endpoint="team-ml", title="${alias} moved", severity=Severity.ERROR),
    SlackAction(endpoint="team-ml", title=" ", message="two\nlines ${alias}"),
]


@pytest.mark.parametrize("action", ACTIONS, ids=str)
def test_every_action_comes_back(action: Any) -> None:
    definition = make_definition(action=action)
    assert back(definition) == definition


@pytest.mark.parametrize("mode", [Mode.ENABLED, Mode.DISABLED, Mode.SHADOW])
def test_the_mode_comes_back(mode: Mode) -> None:
    assert Draft.of(automation(make_definition(), mode)).mode is mode


def test_an_untouched_draft_is_equal_to_another_of_the_same_automation() -> None:
    made = automation(make_definition(cooldown=timedelta(minutes=10)))
    assert Draft.of(made) == Draft.of(made)


cooldowns = st.none() | st.timedeltas(timedelta(microseconds=1), LONGEST_COOLDOWN)
regexes = st.none() | st.sampled_from(["^prod", "a|b", "\\d+$", '"', "/", " x "])


@given(
    scope=st.sampled_from(SCOPES),
    type_=st.sampled_from(EventType),
    alias=regexes,
    tag=regexes,
    other=st.none() | filters,
    action=st.sampled_from(ACTIONS[:1] + ACTIONS[3:4]),
    cooldown=cooldowns,
    description=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_whatever_can_be_saved_comes_back(
    scope: Scope,
    type_: EventType,
    alias: str | None,
    tag: str | None,
    other: dict[str, Any] | None,
    action: Any,
    cooldown: timedelta | None,
    description: str,
) -> None:
    kind = scope.container.kind
    if type_ not in allowed_events(kind):
        type_ = allowed_events(kind)[0]
    carries = type_.spec.carries
    found = None if other is None else Filter.of(other)
    if found is not None and any(name in {"alias", "tag"} for name in found.root.fields()):
        found = None
    filter_ = alias_and_tag_filter(
        alias if "alias" in carries else None, tag if "tag" in carries else None, found
    )
    definition = Definition(
        name="n",
        description=description,
        scope=scope,
        event_type=type_,
        filter=filter_ if "version" in carries else ANY,
        action=action,
        cooldown=cooldown,
    )
    definition.check(frozenset())
    assert back(definition) == definition


def test_a_new_draft_begins_with_the_event_that_people_ask_for_most() -> None:
    for container in (MODELS, VISION):
        draft = Draft.new(container)
        assert draft.event_type is EventType.ADD_ARTIFACT_ALIAS
        assert draft.whole
        assert draft.carries == {"version", "alias"}


@pytest.mark.parametrize(
    ("draft", "name"),
    [
        (Draft.new(MODELS), "models-alias-added"),
        (Draft.new(VISION), "vision-alias-added"),
        (
            Draft(
                container=MODELS,
                whole=False,
                collection="resnet",
                event_type=EventType.LINK_ARTIFACT,
            ),
            "resnet-version-linked",
        ),
    ],
)
def test_the_suggested_name_says_what_it_is_about(draft: Draft, name: str) -> None:
    assert suggested_name(draft, frozenset()) == name
    assert suggested_name(draft, frozenset({name})) == f"{name}-2"
    assert suggested_name(draft, frozenset({name, f"{name}-2", f"{name}-3"})) == f"{name}-4"


@given(
    name=st.text(st.characters(categories=["L", "N", "So"]), min_size=128, max_size=128),
    type_=st.sampled_from(EventType),
    whole=st.booleans(),
    taken=st.integers(0, 12),
)
def test_the_suggested_name_can_be_saved_and_is_free(
    name: str, type_: EventType, whole: bool, taken: int
) -> None:
    container = ContainerReference(kind=ContainerKind.REGISTRY, name=name)
    draft = Draft(container=container, whole=whole, collection=name, event_type=type_)
    names: frozenset[str] = frozenset()
    for _ in range(taken):
        names |= {suggested_name(draft, names)}
    assert len(names) == taken
    assert check_automation_name(suggested_name(draft, names)) not in names
