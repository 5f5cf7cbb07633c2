import json
from datetime import datetime, timedelta, timezone
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from core.builders import NOON, make_event, refusal
from core.strategies import events
from firetower.core.events import (
    EVENTS,
    Event,
    EventType,
    check_allowed,
    why_not_allowed,
)
from firetower.core.references import ContainerKind
from firetower.core.text import instant

REGISTRY, PROJECT = ContainerKind.REGISTRY, ContainerKind.PROJECT
REFUSED = {
    (EventType.CREATE_ARTIFACT, REGISTRY): EventType.LINK_ARTIFACT,
    (EventType.LINK_ARTIFACT, PROJECT): EventType.CREATE_ARTIFACT,
    (EventType.UNLINK_ARTIFACT, PROJECT): EventType.REMOVE_ARTIFACT_ALIAS,
    (EventType.RUN_STATE, REGISTRY): EventType.LINK_ARTIFACT,
    (EventType.RUN_ALERT, REGISTRY): EventType.LINK_ARTIFACT,
    (EventType.RUN_METRIC, REGISTRY): EventType.LINK_ARTIFACT,
    (EventType.RUN_METRIC_CHANGE, REGISTRY): EventType.LINK_ARTIFACT,
    (EventType.RUN_METRIC_ZSCORE, REGISTRY): EventType.LINK_ARTIFACT,
}


@pytest.mark.parametrize(("type_", "kind"), product(EventType, ContainerKind))
def test_event_and_scope_are_allowed_or_refused_with_a_choice(
    type_: EventType, kind: ContainerKind
) -> None:
    close = REFUSED.get((type_, kind))
    assert (why_not_allowed(type_, kind) is None) is (close is None)
    if close is None:
        check_allowed(type_, kind)
        return
    refused = why_not_allowed(type_, kind)
    assert refused is not None
    reason, nearest = refused
    assert nearest is close
    assert why_not_allowed(nearest, kind) is None
    said = refusal(lambda: check_allowed(type_, kind))
    assert reason in said
    assert f"never fires in a {kind}" in said
    assert str(nearest) in said


def test_every_type_has_its_row_in_the_table() -> None:
    assert set(EVENTS) == set(EventType)
    assert all(spec.label and spec.sentence and spec.containers for spec in EVENTS.values())


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("ADD_ARTIFACT_ALIAS", EventType.ADD_ARTIFACT_ALIAS),
        ("add_artifact_alias", EventType.ADD_ARTIFACT_ALIAS),
        (" Add-Collection-Tag ", EventType.ADD_COLLECTION_TAG),
        ("LINK_MODEL", EventType.LINK_ARTIFACT),
        ("link_model", EventType.LINK_ARTIFACT),
    ],
)
def test_an_event_type_is_read_in_any_case_and_by_wandbs_older_name(
    text: str, type_: EventType
) -> None:
    assert EventType.parse(text) is type_


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ADD_ARTEFACT_ALIAS", "Did you mean ADD_ARTIFACT_ALIAS?"),
        ("create_artifacts", "Did you mean CREATE_ARTIFACT?"),
        ("\x1b[31m", "Choose one of CREATE_ARTIFACT, LINK_ARTIFACT"),
        ("", "Choose one of"),
    ],
)
def test_an_unknown_event_type_is_refused_and_names_the_nearest(text: str, named: str) -> None:
    said = refusal(lambda: EventType.parse(text))
    assert named in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("event", "subject", "reference", "detail"),
    [
        pytest.param(
            make_event(EventType.ADD_ARTIFACT_ALIAS),
            "models/resnet:v3",
            "models/resnet:production",
            "← production",
            id="alias added",
        ),
        pytest.param(
            make_event(EventType.REMOVE_ARTIFACT_ALIAS),
            "models/resnet:v3",
            "models/resnet:production",
            "− production",
            id="alias removed",
        ),
        pytest.param(
            make_event(EventType.REMOVE_ARTIFACT_TAG),
            "models/resnet:v3",
            "models/resnet:v3",
            "− tag eu-west",
            id="tag removed",
        ),
        pytest.param(
            make_event(EventType.ADD_COLLECTION_TAG),
            "models/resnet",
            "models/resnet",
            "+ tag eu-west",
            id="collection tagged",
        ),
        pytest.param(
            make_event(EventType.CREATE_ARTIFACT, collection="acme/vision/resnet"),
            "acme/vision/resnet:v3",
            "acme/vision/resnet:v3",
            "",
            id="version logged",
        ),
        pytest.param(
            make_event(EventType.RUN_STATE),
            "acme/vision/x3k9ab2c",
            "acme/vision/x3k9ab2c",
            "resnet-50 failed",
            id="run failed",
        ),
    ],
)
def test_an_event_says_what_it_is_about(
    event: Event, subject: str, reference: str, detail: str
) -> None:
    assert event.subject == subject
    assert event.reference == reference
    assert event.detail == detail


def test_an_events_data_names_its_container_by_its_kind() -> None:
    assert make_event(previous_index=1, metadata={"f1": 0.9}).as_data() == {
        "event_id": 1,
        "event_type": "ADD_ARTIFACT_ALIAS",
        "author": "ada",
        "registry": "models",
        "collection": "resnet",
        "artifact_type": "model",
        "version": "models/resnet:v3",
        "version_index": 3,
        "artifact_id": "firetower-artifact://_id/4f1c",
        "source_version": "acme/vision/resnet:v7",
        "metadata": {"f1": 0.9},
        "alias": "production",
        "previous_version_index": 1,
    }
    in_project = make_event(EventType.ADD_COLLECTION_TAG, collection="acme/vision/resnet")
    assert in_project.as_data()["project"] == "acme/vision"
    assert in_project.as_data()["tag"] == "eu-west"
    assert "version" not in in_project.as_data()


@given(events)
def test_an_event_survives_being_stored_as_json(event: Event) -> None:
    stored = TypeAdapter(Event)
    assert stored.validate_json(stored.dump_json(event)) == event
    json.dumps(event.as_data(), allow_nan=False)


@given(st.integers(-12, 12))
def test_an_instant_is_written_in_utc_wherever_it_was_taken(hours: int) -> None:
    there = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=NOON.tzinfo).astimezone(
        timezone(timedelta(hours=hours))
    )
    assert instant(there) == "2026-03-01T12:00:00.000250Z"
