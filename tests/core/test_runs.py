from typing import Any

import pytest

from core.builders import NOON, VISION, make_definition, make_event, make_run_snapshot, refusal
from firetower.core.actions import SlackAction
from firetower.core.automations import overlaps
from firetower.core.backtest import matches
from firetower.core.drafts import Draft, Part, read_draft
from firetower.core.errors import InvalidInput
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.requests import envelope, slack_message
from firetower.core.run_changes import RunChanges
from firetower.core.runs import (
    RunReference,
    RunSnapshot,
    RunState,
    StateCondition,
    check_run_text,
    new_run_id,
)
from firetower.core.scopes import CollectionsScope, ContainerScope
from firetower.core.templates import available, read_variable

FAILED = StateCondition(states=(RunState.FAILED,))
ACME = ContainerReference.entity_named("acme")
ORGANIZATION = ContainerReference.organization()


def test_run_reference_is_read_and_written() -> None:
    reference = RunReference.parse("acme/vision/x3k9ab2c")
    assert reference.project == VISION
    assert str(reference) == "acme/vision/x3k9ab2c"
    assert RunReference.parse(f"acme/vision/{new_run_id()}").project == VISION


@pytest.mark.parametrize("text", ["x3k9ab2c", "vision/x3k9ab2c", "acme/vision/", "acme/vision/a b"])
def test_run_reference_that_is_none_is_refused(text: str) -> None:
    assert "run" in refusal(lambda: RunReference.parse(text))


@pytest.mark.parametrize("name", ["", " ", "x" * 129, "a\x1b[31m", "a\u200bb"])
def test_run_name_that_cannot_be_shown_is_refused(name: str) -> None:
    assert "run name" in refusal(lambda: check_run_text(name, "run name"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tags": map(str, range(1_001))}, "the run has 1,001 tags"),
        ({"notes": "x" * 65_537}, "the run's notes have 65,537 characters"),
        ({"config": {"a": float}}, "the config contains a value of type type"),
        ({"summary": {"a": {"b": {1: 1, "1": 1}}}}, 'the summary has the key "1" twice'),
    ],
)
def test_what_is_said_of_a_run_has_limits(given: dict[str, Any], said: str) -> None:
    assert said in refusal(lambda: RunChanges.checked(**given))


def test_run_snapshot_survives_being_stored() -> None:
    snapshot = make_run_snapshot(RunState.CRASHED, config={"lr": 0.1, "net": {"depth": 50}})
    read = RunSnapshot.from_json(snapshot.as_json())
    assert read == snapshot
    assert read.config == {"lr": 0.1, "net": {"depth": 50}}
    assert read.reference.project == VISION


@pytest.mark.parametrize(
    ("state", "holds"),
    [
        (RunState.FAILED, True),
        (RunState.CRASHED, True),
        (RunState.KILLED, False),
        (RunState.FINISHED, False),
        (RunState.RUNNING, False),
    ],
)
def test_a_crash_counts_as_failed_and_a_kill_never_fires(state: RunState, *, holds: bool) -> None:
    definition = make_definition(
        scope=ContainerScope(container=VISION), event_type=EventType.RUN_STATE, condition=FAILED
    )
    event = make_event(EventType.RUN_STATE, run=make_run_snapshot(state))
    assert matches(definition, event) is holds


@pytest.mark.parametrize(
    ("text", "named"), [("paused", "paused"), ("killed", "wait"), (" ", "no state")]
)
def test_state_that_no_event_names_is_refused(text: str, named: str) -> None:
    said = refusal(lambda: StateCondition.parse(text))
    assert named in said
    assert "running, finished or failed" in said


def test_state_condition_says_what_it_waits_for() -> None:
    condition = StateCondition.parse(" Finished, failed,finished")
    assert condition.states == (RunState.FINISHED, RunState.FAILED)
    assert condition.words == "a run finishes or fails"
    definition = make_definition(
        scope=ContainerScope(container=ACME),
        event_type=EventType.RUN_STATE,
        filter_={"run_name": {"$regex": "^resnet"}},
        condition=condition,
    )
    assert definition.sentence == (
        "When a run finishes or fails in any project of acme, if run_name ~ ^resnet, record it."
    )
    assert definition.when == "run finished or failed, run_name ~ ^resnet"


@pytest.mark.parametrize("container", [VISION, ACME, ORGANIZATION])
def test_run_event_fires_where_its_project_is_covered(container: ContainerReference) -> None:
    scope = ContainerScope(container=container)
    definition = make_definition(scope=scope, event_type=EventType.RUN_STATE, condition=FAILED)
    definition.check(frozenset())
    assert matches(definition, make_event(EventType.RUN_STATE))
    other = make_run_snapshot(run="beta/nlp/x3k9ab2c")
    fires = container is ORGANIZATION
    assert matches(definition, make_event(EventType.RUN_STATE, run=other)) is fires


def test_run_event_is_refused_with_what_it_cannot_have() -> None:
    scope = ContainerScope(container=VISION)
    in_collections = CollectionsScope(container=VISION, glob="*")
    for said, wrong in (
        ("states", make_definition(scope=scope, event_type=EventType.RUN_STATE)),
        ("no state", make_definition(condition=FAILED)),
        (
            "no collection",
            make_definition(scope=in_collections, event_type=EventType.RUN_STATE, condition=FAILED),
        ),
        (
            "no alias",
            make_definition(
                scope=scope,
                event_type=EventType.RUN_STATE,
                condition=FAILED,
                filter_={"alias": "prod"},
            ),
        ),
        ("no run_name", make_definition(filter_={"run_name": "a"})),
        (
            "happens only in a project",
            make_definition(event_type=EventType.RUN_STATE, condition=FAILED),
        ),
    ):
        assert said in refusal(lambda wrong=wrong: wrong.check(frozenset()))  # type: ignore[misc]


def test_run_variables_are_those_of_run_events() -> None:
    names = available(EventType.RUN_STATE, frozenset())
    assert {"run_name", "run_id", "run_status", "project_name", "event_author"} <= set(names)
    assert not {"alias", "artifact_collection_name", "artifact_version"} & set(names)
    event = make_event(EventType.RUN_STATE, run=make_run_snapshot(RunState.CRASHED))
    values = [read_variable(name, event, "n") for name in ("run_name", "run_id", "run_status")]
    assert values == ["resnet-50", "x3k9ab2c", "failed"]
    assert "run_name" not in available(EventType.ADD_ARTIFACT_ALIAS, frozenset())


def test_default_bodies_say_which_run_it_was() -> None:
    definition = make_definition(
        scope=ContainerScope(container=VISION), event_type=EventType.RUN_STATE, condition=FAILED
    )
    event = make_event(EventType.RUN_STATE, run=make_run_snapshot(RunState.CRASHED))
    data = envelope(definition, event)["data"]
    assert data["run"] == "acme/vision/x3k9ab2c"
    assert (data["run_name"], data["run_status"], data["run_state"]) == (
        *("resnet-50", "failed", "crashed"),
    )
    assert data["config"] == {"lr": 0.1}
    assert "collection" not in data
    message = slack_message(SlackAction(endpoint="team"), definition, event)
    assert message["text"] == "deploy-on-prod: run failed"
    assert message["attachments"][0]["text"] == (
        "run resnet-50 (x3k9ab2c) of acme/vision crashed: it sends no heartbeat any more, by ada"
    )


def test_draft_without_a_state_is_not_whole() -> None:
    draft = Draft(container=VISION, event_type=EventType.RUN_STATE, endpoint="ci", name="n")
    reading = read_draft(draft)
    assert reading.definition is None
    assert Part.STATE in reading.missing
    with pytest.raises(InvalidInput, match="no state"):
        reading.checked()


def test_automations_on_other_states_do_not_overlap() -> None:
    from core.builders import make_revision, make_webhook
    from firetower.core.automations import Automation

    def on(*states: RunState) -> Automation:
        definition = make_definition(
            scope=ContainerScope(container=VISION),
            event_type=EventType.RUN_STATE,
            condition=StateCondition(states=states),
            action=make_webhook(),
        )
        return Automation(1, "n", make_revision(definition), NOON)

    both = on(RunState.FINISHED, RunState.FAILED)
    assert overlaps(both.definition, on(RunState.FAILED))
    assert not overlaps(on(RunState.RUNNING).definition, both)
