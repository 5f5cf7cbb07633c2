"""Metric conditions: as options, as drafts, and as the command that makes them again."""

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.test_automation_command import automation, read_back
from cli.test_automation_options import edited, options
from core.builders import VISION, make_definition, refusal
from core.test_metrics import change, condition, threshold
from firetower.cli.automation_options import new_draft
from firetower.core.automations import Definition
from firetower.core.commands import create_command
from firetower.core.drafts import Draft, read_draft
from firetower.core.events import EventType
from firetower.core.metrics import Aggregate, AnyMetricCondition, Comparison, Direction
from firetower.core.scopes import ContainerScope

METRIC = ("--project", "acme/vision", "--no-op", "--event", "RUN_METRIC", "--metric", "loss")
CHANGE = ("--project", "acme/vision", "--no-op", "--event", "RUN_METRIC_CHANGE", "--metric", "loss")
ZSCORE = ("--project", "acme/vision", "--no-op", "--event", "RUN_METRIC_ZSCORE", "--metric", "loss")


def define(*arguments: str) -> Definition:
    definition = read_draft(new_draft("n", options(*arguments))).checked()
    definition.check(frozenset())
    return definition


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((*METRIC, "--above", "0.65"), threshold()),
        (
            (*METRIC, "--aggregate", "average", "--window", "5", "--at-most", "1e-4"),
            threshold("$lte", 1e-4, aggregate="AVERAGE", window=5),
        ),
        (
            (*CHANGE, "--increases", "20%", "--aggregate", "min", "--window", "10"),
            change("INCREASE", 0.2, aggregate="MIN", window=10, prior_window=10),
        ),
        (
            (*CHANGE, "--changes", "0.2", "--aggregate=MAX", "--window=3", "--prior-window=5"),
            change("ANY", 0.2, change_type="ABSOLUTE", aggregate="MAX", window=3, prior_window=5),
        ),
        (ZSCORE, condition("zscore")),
        (
            (*ZSCORE, "--zscore", "2.5", "--window", "20", "--direction", "decrease"),
            condition("zscore", threshold=2.5, window=20, direction="DECREASE"),
        ),
    ],
)
def test_options_make_the_condition(given: tuple[str, ...], wanted: AnyMetricCondition) -> None:
    assert define(*given).condition == wanted


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (METRIC, "no threshold is given"),
        ((*METRIC[:-2], "--above", "1"), "no metric is named"),
        ((*METRIC, "--above", "high"), 'the threshold "high" is not a number'),
        ((*METRIC, "--above", "nan"), "the threshold nan cannot be compared with"),
        ((*METRIC, "--above", "1", "--window", "0"), "a window of 0 values is not possible"),
        ((*METRIC, "--above", "1", "--window", "1000000"), "a window of 1,000,000 values"),
        ((*METRIC, "--above", "1", "--window", "many"), 'the window "many" is not a whole number'),
        ((*METRIC, "--above", "1", "--window", "5"), "a window of 5 values has no aggregate"),
        ((*METRIC, "--above", "1", "--aggregate", "min"), "the minimum has no window"),
        (CHANGE, "no change is given"),
        ((*CHANGE, "--increases", "20 %%"), 'the change "20 %%" is not a share'),
        ((*CHANGE, "--increases", "-1"), "a change of -1 always holds"),
        ((*ZSCORE, "--zscore", "0"), "a z-score of 0 always holds"),
        ((*ZSCORE, "--window", "1"), "a window of 1 value is not possible"),
        (("--registry", "models", *METRIC[2:], "--above", "1"), "happens only in a project"),
        (
            (*METRIC, "--above", "1", "--filter", '{"alias": "a"}'),
            "RUN_METRIC events have no alias",
        ),
        ((*METRIC, "--above", "1", "--state", "failed"), "does not wait for a state"),
        (
            (
                "--project",
                "a/b",
                "--no-op",
                "--event",
                "CREATE_ARTIFACT",
                "--filter",
                '{"user": "a"}',
            ),
            "CREATE_ARTIFACT events have no user",
        ),
    ],
    ids=lambda value: " ".join(value[4:]) if isinstance(value, tuple) else None,
)
def test_what_can_never_hold_is_refused_in_two_lines(given: tuple[str, ...], words: str) -> None:
    assert words in refusal(lambda: define(*given))


@pytest.mark.parametrize(
    "given",
    [
        (*METRIC, "--above", "1", "--below", "2"),
        (*METRIC, "--increases", "1"),
        (*METRIC, "--zscore", "1"),
        (*METRIC, "--above", "1", "--prior-window", "3"),
        (*METRIC, "--above", "1", "--direction", "any"),
        (*METRIC, "--above", "1", "--aggregate", "median"),
        (*ZSCORE, "--aggregate", "min"),
        ("--project", "acme/vision", "--event", "CREATE_ARTIFACT", "--no-op", "--metric", "loss"),
    ],
    ids=lambda value: " ".join(value[4:]),
)
def test_options_of_another_event_are_wrong_usage(given: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError):
        define(*given)


EVENTS = {
    "threshold": EventType.RUN_METRIC,
    "change": EventType.RUN_METRIC_CHANGE,
    "zscore": EventType.RUN_METRIC_ZSCORE,
}


def definition_of(waits_for: AnyMetricCondition) -> Definition:
    return make_definition(
        scope=ContainerScope(container=VISION), event_type=EVENTS[waits_for.model_dump()["kind"]]
    ).model_copy(update={"condition": waits_for})


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.07, 20, 1e-9, 3.0])
positive = numbers.map(abs).filter(bool)
metrics = st.sampled_from(["loss", "val.acc", "--above", "eval/f1 é"])
windows = st.integers(1, 1_000)
directions = st.sampled_from(Direction)
of_windows: dict[str, Any] = {
    "metric": metrics,
    "aggregate": st.none() | st.sampled_from(Aggregate),
    "window": windows,
}
conditions = st.one_of(
    st.builds(
        threshold,
        **of_windows,
        comparison=st.sampled_from(Comparison),
        value=numbers,
    ),
    st.builds(
        change,
        **of_windows,
        prior_window=windows,
        direction=directions,
        change_type=st.sampled_from(["ABSOLUTE", "RELATIVE"]),
        amount=positive,
    ),
    st.builds(
        lambda **given: condition("zscore", **given),
        metric=metrics,
        window=st.integers(2, 1_000),
        direction=directions,
        threshold=positive,
    ),
)


@given(conditions)
def test_copied_command_and_draft_make_the_same_condition(waits_for: AnyMetricCondition) -> None:
    definition = definition_of(waits_for)
    made = automation(definition)
    assert read_draft(Draft.of(made)).checked() == definition
    assert read_back(create_command(made))[0] == definition


def test_edit_changes_the_threshold_and_keeps_the_rest() -> None:
    before = definition_of(threshold(aggregate="AVERAGE", window=5))
    fields = {"scope": before.scope, "event_type": before.event_type}
    draft = Draft.of(automation(before))
    _, after = edited("--below", "0.1", **fields)
    assert (after.comparison, after.amount) == (Comparison.LT, "0.1")
    assert (draft.metric, draft.window, draft.aggregate) == ("loss", "5", Aggregate.AVERAGE)


def test_sentence_says_how_often() -> None:
    definition = define(*METRIC, "--above", "0.65", "--run-name", "^res")
    assert definition.sentence == (
        "When loss is above 0.65 in project acme/vision, if run_name ~ ^res, record it, "
        "at most once a run in 24h."
    )
    assert definition.when == "loss > 0.65, run_name ~ ^res"
    assert define(*METRIC, "--above", "1", "--cooldown", "10m").sentence.endswith(
        "at most once a run in 10m."
    )
