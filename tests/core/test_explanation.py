"""Explanations: they agree with the evaluation, and name the first thing that stopped it."""

from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given

from core.builders import (
    MODELS,
    NOON,
    VISION,
    make_definition,
    make_event,
    make_execution,
    make_revision,
)
from core.histories import Evaluates, Happens, History, Save, Step, steps
from firetower.core.automations import Mode, Revision
from firetower.core.events import Event, EventType
from firetower.core.executions import SkipReason, Status
from firetower.core.explanation import (
    Explanation,
    Finding,
    Nearness,
    Stop,
    Subject,
    explain,
    explain_one,
    grouped,
)
from firetower.core.references import CollectionReference, VersionReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope


def at(moment: datetime) -> str:
    return f"at {moment:%H:%M}"


def histories(history: History) -> list[list[Revision]]:
    ordered = sorted(history.revisions, key=lambda one: (one.automation_id, one.number))
    return [list(group) for _, group in groupby(ordered, lambda one: one.automation_id)]


@given(steps)
def test_it_says_fired_exactly_where_the_evaluation_fires(history_steps: list[Step]) -> None:
    history = History()
    for step in history_steps:
        match step:
            case Happens():
                history.happens(step)
            case Save():
                history.saves(step)
            case Evaluates():
                pass
    for event in history.events:
        subject = Subject(event, evaluated=True)
        findings = [explain_one(subject, one, None, at) for one in histories(history)]
        fired = sorted(
            finding.revision.id
            for finding in findings
            if finding is not None and finding.stop is None
        )
        assert fired == history.fires(event)


def found(
    revision: Revision | list[Revision], event: Event | None = None, **around: Any
) -> Finding | None:
    history = revision if isinstance(revision, list) else [revision]
    happened = event or make_event(EventType.ADD_ARTIFACT_ALIAS, alias="staging")
    around.setdefault("evaluated", True)
    execution = around.pop("execution", None)
    return explain_one(Subject(happened, **around), history, execution, at)


def an_automation(**more: Any) -> Revision:
    how = {key: more.pop(key) for key in ("mode", "after", "number") if key in more}
    more.setdefault("event_type", EventType.ADD_ARTIFACT_ALIAS)
    more.setdefault("scope", ContainerScope(container=MODELS))
    return make_revision(make_definition(**more), **how)


@pytest.mark.parametrize(
    ("revision", "stop", "words"),
    [
        pytest.param(
            an_automation(filter_={"alias": {"$regex": "^prod"}}),
            Stop.FILTER,
            'its filter asks for alias ~ ^prod; it is "staging"',
            id="filter",
        ),
        pytest.param(
            an_automation(filter_={"metadata.f1": {"$gte": 0.9}}),
            Stop.FILTER,
            "its filter asks for metadata.f1 ≥ 0.9; the event has none",
            id="missing",
        ),
        pytest.param(
            an_automation(event_type=EventType.LINK_ARTIFACT),
            Stop.EVENT,
            "it waits for “version linked”; this was “alias added”",
            id="event",
        ),
        pytest.param(
            an_automation(
                scope=CollectionScope(collection=CollectionReference.parse("models/bert"))
            ),
            Stop.SCOPE,
            "it watches collection models/bert; this was in models/resnet",
            id="collection",
        ),
        pytest.param(an_automation(mode=Mode.DISABLED), Stop.DISABLED, "it was disabled", id="off"),
        pytest.param(an_automation(mode=Mode.DELETED), Stop.DELETED, "it was deleted", id="gone"),
        pytest.param(an_automation(after=1_000), Stop.LATER, "after the event", id="later"),
    ],
)
def test_it_names_the_first_thing_that_stopped_it(
    revision: Revision, stop: Stop, words: str
) -> None:
    finding = found(revision)
    assert finding is not None
    assert (finding.stop, finding.reason) == (stop, stop.value)
    assert words in finding.words


def test_alias_set_in_a_project_names_the_linked_registry() -> None:
    event = make_event(
        EventType.ADD_ARTIFACT_ALIAS, collection="acme/vision/resnet", index=7, alias="production"
    )
    finding = found(
        an_automation(),
        event,
        linked=(VersionReference.parse("models/resnet:v2"),),
    )
    assert finding is not None
    assert finding.nearness is Nearness.LINKED
    assert finding.words == (
        "it watches registry models; this alias was set on the project's version "
        "acme/vision/resnet:v7, which is there as models/resnet:v2"
    )


def test_what_is_far_away_is_only_counted() -> None:
    far = an_automation(scope=ContainerScope(container=VISION))
    event = make_event(EventType.ADD_ARTIFACT_ALIAS, alias="a")
    explanation = explain(Subject(event, evaluated=True), [[far]], [], 5, at)
    assert explanation == Explanation(event, (), 6, evaluated=True)


def test_a_collections_filter_says_which_type_it_met() -> None:
    scope = CollectionsScope(container=VISION, artifact_type="dataset")
    event = make_event(EventType.ADD_ARTIFACT_ALIAS, collection="acme/vision/resnet", alias="a")
    finding = found(an_automation(scope=scope), event)
    assert finding is not None
    assert "this was in acme/vision/resnet, of type model" in finding.words


@pytest.mark.parametrize(
    ("given", "words", "group"),
    [
        ({"status": Status.FINISHED}, "fired: finished", "fired"),
        ({"status": Status.FAILED, "detail": "gave up"}, "fired: failed, gave up", "fired"),
        (
            {"skip_reason": SkipReason.COOLDOWN, "cooldown_until": NOON},
            "was skipped: cooldown until",
            "cooldown",
        ),
        ({"skip_reason": SkipReason.SHADOW}, "in shadow: recorded, not sent", "shadow"),
        (
            {
                "skip_reason": SkipReason.ENDPOINT_DISABLED,
                "endpoint": "pager",
                "detail": "it said 410",
            },
            "was skipped: endpoint pager is disabled: it said 410",
            "endpoint disabled",
        ),
    ],
)
def test_what_fired_says_what_became_of_it(given: dict[str, Any], words: str, group: str) -> None:
    execution = make_execution(**given)
    finding = found(an_automation(), execution=execution)
    assert finding is not None
    assert finding.stop is None
    assert words in finding.words
    assert finding.reason == group


@pytest.mark.parametrize(
    ("evaluated", "words"), [(False, "as soon as a worker"), (True, "made no execution")]
)
def test_what_matches_without_an_execution_says_why(evaluated: bool, words: str) -> None:
    finding = found(an_automation(), evaluated=evaluated)
    assert finding is not None
    assert words in finding.words


def test_the_revision_of_that_time_counts() -> None:
    event = make_event(EventType.ADD_ARTIFACT_ALIAS, event_id=5, alias="staging")
    narrow = an_automation(filter_={"alias": "production"}, after=0, number=1)
    wide = an_automation(after=5, number=2)
    finding = found([replace(narrow, until_event_id=5), wide], event)
    assert finding is not None
    assert (finding.stop, finding.revision.number) == (Stop.FILTER, 1)


def test_findings_are_ordered_by_nearness_then_fired_first() -> None:
    event = make_event(EventType.ADD_ARTIFACT_ALIAS, alias="a")
    revisions = [
        an_automation(name="c-other-event", event_type=EventType.LINK_ARTIFACT),
        an_automation(name="a-filtered", filter_={"alias": "b"}),
        an_automation(name="b-fired"),
    ]
    explanation = explain(Subject(event, evaluated=True), [[one] for one in revisions], [], 0, at)
    names = [finding.revision.definition.name for finding in explanation.findings]
    assert names == ["b-fired", "a-filtered", "c-other-event"]


def test_groups_count_each_reason_with_its_newest_event() -> None:
    revision = an_automation(filter_={"alias": "a"})
    events = [
        make_event(EventType.ADD_ARTIFACT_ALIAS, event_id=number, alias=alias)
        for number, alias in ((9, "b"), (8, "a"), (7, "b"))
    ]
    pairs = [(event, finding) for event in events if (finding := found(revision, event))]
    groups = grouped(pairs)
    assert [(group.reason, group.count, group.event.id) for group in groups] == [
        ("fired", 1, 8),
        ("the filter", 2, 9),
    ]
