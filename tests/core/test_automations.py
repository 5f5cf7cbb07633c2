from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import (
    MODELS,
    VISION,
    make_definition,
    make_event,
    make_revision,
    make_webhook,
    refusal,
)
from firetower.core.actions import SlackAction
from firetower.core.automations import Automation, Definition, Mode
from firetower.core.events import EventType
from firetower.core.filters.patterns import Pattern
from firetower.core.references import CollectionReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope
from firetower.core.times import duration, parse_duration

NONE: frozenset[str] = frozenset()
PROJECT = ContainerScope(container=VISION)
ALIAS_PAYLOAD = make_webhook('{"ref": "${alias}"}')


@pytest.mark.parametrize(
    ("given_", "granted"),
    [
        pytest.param({}, NONE, id="least"),
        pytest.param({"scope": PROJECT, "event_type": EventType.CREATE_ARTIFACT}, NONE, id="new"),
        pytest.param({"filter_": {"alias": "a"}, "action": ALIAS_PAYLOAD}, NONE, id="alias"),
        pytest.param(
            {"action": make_webhook('{"t": "${ACCESS_TOKEN}"}')},
            frozenset({"ACCESS_TOKEN"}),
            id="secret",
        ),
        pytest.param({"cooldown": timedelta(minutes=10)}, NONE, id="cooldown"),
    ],
)
def test_an_automation_that_can_work_is_accepted(
    given_: dict[str, Any], granted: frozenset[str]
) -> None:
    make_definition(**given_).check(granted)


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        pytest.param({"name": ""}, "automation name", id="no name"),
        pytest.param({"name": "x" * 256}, "256 characters", id="long name"),
        pytest.param(
            {"event_type": EventType.CREATE_ARTIFACT},
            "The nearest event in a registry is LINK_ARTIFACT",
            id="new version in a registry",
        ),
        pytest.param(
            {"scope": PROJECT, "event_type": EventType.LINK_ARTIFACT},
            "The nearest event in a project is CREATE_ARTIFACT",
            id="link in a project",
        ),
        pytest.param(
            {"scope": CollectionScope(collection=CollectionReference.parse("acme/vision/resnet"))},
            "--collections resnet",
            id="one collection of a project",
        ),
        pytest.param(
            {"scope": CollectionsScope(container=MODELS, glob="resnet")},
            "--registry models --collection resnet",
            id="collections of a registry by name",
        ),
        pytest.param(
            {"scope": CollectionsScope(container=MODELS, glob="resnet-*")},
            "--registry models, or one collection",
            id="collections of a registry by glob",
        ),
        pytest.param(
            {"scope": CollectionsScope(container=MODELS, artifact_type="model")},
            "artifact_type",
            id="collections of a registry by type",
        ),
        pytest.param(
            {"event_type": EventType.LINK_ARTIFACT, "filter_": {"alias": "a"}},
            "LINK_ARTIFACT events have no alias",
            id="field that never is",
        ),
        pytest.param(
            {"event_type": EventType.LINK_ARTIFACT, "action": ALIAS_PAYLOAD},
            'LINK_ARTIFACT events never have the variable "${alias}"',
            id="variable that never is",
        ),
        pytest.param(
            {"action": make_webhook('{"a": "${alais}"}')}, "Did you mean ${alias}?", id="misspelt"
        ),
        pytest.param(
            {"action": make_webhook('{"t": "${ACCESS_TOKEN}"}')},
            "there is no variable",
            id="secret not granted",
        ),
        pytest.param({"cooldown": timedelta(days=367)}, "longer than 366d", id="endless cooldown"),
        pytest.param({"cooldown": timedelta(0)}, "cooldown", id="no cooldown"),
        pytest.param({"cooldown": timedelta(seconds=-1)}, "cooldown", id="negative cooldown"),
        pytest.param({"filter_": {"alias": "\ud800"}}, "not valid Unicode", id="surrogate filter"),
        pytest.param(
            {"action": make_webhook('{"a": "\ud800"}')}, "not valid Unicode", id="surrogate payload"
        ),
    ],
)
def test_an_automation_that_could_never_work_is_refused(given_: dict[str, Any], why: str) -> None:
    assert why in refusal(lambda: make_definition(**given_).check(NONE))


@pytest.mark.parametrize(
    "definition",
    [
        make_definition(),
        make_definition(
            name="née",
            scope=CollectionScope(collection=CollectionReference.parse("models/resnet")),
            filter_={"$or": [{"$and": [{"metadata.f1": {"$gt": 0.9}}, {"alias": None}]}]},
            action=make_webhook('{"a": ${artifact_metadata.f1}}'),
            cooldown=timedelta(minutes=10, microseconds=1),
        ),
        make_definition(
            scope=CollectionsScope(container=VISION, regex=Pattern("^r"), artifact_type="model"),
            action=SlackAction(endpoint="team", message="${alias}"),
        ),
    ],
    ids=["least", "webhook", "slack"],
)
def test_a_definition_survives_being_stored_as_json(definition: Definition) -> None:
    assert Definition.model_validate_json(definition.model_dump_json()) == definition


def test_when_it_fires_reads_in_short() -> None:
    assert make_definition().when == "alias added"
    assert make_definition(filter_={"alias": {"$regex": "^prod"}}).when == "alias added ~ ^prod"
    assert (
        make_definition(filter_={"metadata.f1": {"$gte": 1}}).when == "alias added, metadata.f1 ≥ 1"
    )


def test_an_automation_reads_as_one_sentence() -> None:
    assert make_definition().sentence == ("When an alias is added in registry models, record it.")
    assert make_definition(
        scope=CollectionsScope(container=VISION, glob="resnet-*"),
        event_type=EventType.CREATE_ARTIFACT,
        filter_={"metadata.f1": {"$gte": 0.9}},
        action=make_webhook(),
        cooldown=timedelta(minutes=10),
    ).sentence == (
        "When a new version is logged in collections resnet-* of project acme/vision, "
        "if metadata.f1 ≥ 0.9, POST to ci-deploy, at most once in 10m."
    )


@pytest.mark.parametrize(
    ("type_", "filter_", "when"),
    [
        ("ADD_ARTIFACT_ALIAS", {"alias": {"$regex": "^prod"}}, "an alias matching ^prod is added"),
        (
            "REMOVE_ARTIFACT_ALIAS",
            {"$or": [{"$and": [{"alias": {"$regex": "a b"}}]}]},
            "an alias matching a b is removed",
        ),
        (
            "ADD_COLLECTION_TAG",
            {"tag": {"$regex": "\x1b"}},
            'a tag matching "\\u001b" is added to a collection',
        ),
    ],
)
def test_a_regex_on_what_the_event_is_about_stands_in_its_place(
    type_: str, filter_: dict[str, Any], when: str
) -> None:
    definition = make_definition(event_type=EventType(type_), filter_=filter_)
    assert definition.sentence == f"When {when} in registry models, record it."


@pytest.mark.parametrize(
    ("filter_", "condition"),
    [
        ({"alias": "prod"}, "alias = prod"),
        ({"collection": {"$regex": "^res"}}, "collection ~ ^res"),
        ({"alias": {"$not": {"$regex": "^prod"}}}, "not (alias ~ ^prod)"),
        (
            {"alias": {"$regex": "^prod"}, "metadata.f1": {"$gt": 0.9}},
            "alias ~ ^prod and metadata.f1 > 0.9",
        ),
    ],
)
def test_any_other_condition_follows_the_event(filter_: dict[str, Any], condition: str) -> None:
    sentence = make_definition(filter_=filter_).sentence
    assert sentence == f"When an alias is added in registry models, if {condition}, record it."


@pytest.mark.parametrize(
    ("after", "until", "in_force"),
    [
        (0, None, {1, 2, 3, 4, 5}),
        (2, None, {3, 4, 5}),
        (2, 4, {3, 4}),
        (2, 2, set()),
        (5, None, set()),
    ],
)
def test_revision_is_in_force_from_its_save_until_the_next(
    after: int, until: int | None, in_force: set[int]
) -> None:
    revision = make_revision(after=after, until=until)
    assert {i for i in range(1, 6) if revision.in_force_at(make_event(event_id=i))} == in_force


def test_enabled_and_shadow_revisions_act() -> None:
    assert {mode for mode in Mode if make_revision(mode=mode).acts} == {Mode.ENABLED, Mode.SHADOW}


def test_an_automation_is_what_its_current_revision_says() -> None:
    revision = make_revision(make_definition(name="a"), mode=Mode.SHADOW)
    automation = Automation(id=1, name="a", revision=revision, created_at=revision.saved_at)
    assert (automation.name, automation.mode) == ("a", Mode.SHADOW)
    assert automation.definition is revision.definition
    assert automation.definition.scope.container == MODELS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("10m", 600), ("2h30m", 9000), ("7d", 604_800), (" 1.5h ", 5400), ("0s", 0)],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", " ", "10", "ten minutes", "m", "10 m", "nanh", "9" * 400 + "h", "\x1b[31m", "1h-", "-5m"],
)
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    said = refusal(lambda: parse_duration(text))
    assert "is not a span of time" in said
    assert said.replace("\n", " ").isprintable()
    assert len(said) < 200


@given(
    st.integers(1, 400 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
    | st.timedeltas(timedelta(microseconds=1), timedelta(days=400))
)
def test_a_duration_is_read_back_as_it_is_written(span: timedelta) -> None:
    assert parse_duration(duration(span)) == span


@pytest.mark.parametrize(
    ("seconds", "text"), [(30, "30s"), (600, "10m"), (9000, "2h30m"), (30 * 86_400, "30d")]
)
def test_a_duration_is_written_as_people_write_it(seconds: int, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text
