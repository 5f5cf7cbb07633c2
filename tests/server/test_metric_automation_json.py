"""W&B's JSON of metric events: what its own classes make is the same condition here."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wandb.automations import (
    DoNothing,
    MetricThresholdFilter,
    MetricZScoreFilter,
    OnRunMetric,
    RunEvent,
)
from wandb.automations._inputs import prepare_to_create

from core.builders import make_definition
from core.test_metrics import change, condition, threshold
from firetower.core.automations import Definition
from firetower.core.drafts import Draft, read_draft
from firetower.core.errors import FiretowerError
from firetower.core.events import EventType
from firetower.core.filters import Filter
from firetower.core.metrics import (
    Aggregate,
    AnyMetricCondition,
    ChangeCondition,
    ChangeType,
    Direction,
    ThresholdCondition,
    ZScoreCondition,
)
from firetower.server.automations import read_automation
from firetower.server.events import is_readable
from firetower.server.fields import Arguments
from server.test_run_automation_json import IN_VISION, SCOPES
from server.through_sdk import ENDPOINTS, changed, created, read_by_sdk, saved, scope_of_sdk

pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's own

LOSS: Any = RunEvent.metric("loss")
METRIC_EVENT: Any = OnRunMetric
WITHOUT_AGGREGATE = threshold("$gt", 1, window=5)
CONDITIONS: list[tuple[Any, AnyMetricCondition]] = [
    (LOSS > 0.65, threshold()),
    (LOSS.gte(1), threshold("$gte", 1)),
    (LOSS < -2, threshold("$lt", -2)),
    (LOSS.min(2) < 3, threshold("$lt", 3, aggregate="MIN", window=2)),
    (LOSS.max(9) > 3, threshold("$gt", 3, aggregate="MAX", window=9)),
    (LOSS.decreases_by(frac=0.5), change("DECREASE", 0.5)),
    (LOSS.zscore(20) < -2, condition("zscore", window=20, threshold=2, direction="DECREASE")),
    (MetricZScoreFilter(name="loss"), condition("zscore")),
    (
        MetricThresholdFilter(name="loss", window=5, cmp=">", threshold=1),
        threshold("$gt", 1, window=5),
    ),
    (LOSS.avg(5) <= 1, threshold("$lte", 1, aggregate="AVERAGE", window=5)),
    (
        LOSS.max(10).increases_by(frac=0.2),
        change("INCREASE", 0.2, aggregate="MAX", window=10),
    ),
    (LOSS.changes_by(diff=3), change("ANY", 3, change_type="ABSOLUTE")),
    (LOSS.zscore(20) > 2.5, condition("zscore", window=20, threshold=2.5, direction="INCREASE")),
    (abs(LOSS.zscore(20)) > 4, condition("zscore", window=20, threshold=4)),
]


def event_of(filter_: Any, scope: Any = IN_VISION) -> Any:
    return METRIC_EVENT(scope=scope_of_sdk(scope), filter=filter_)


@pytest.mark.parametrize(
    ("filter_", "wanted"), CONDITIONS, ids=[one[1].words for one in CONDITIONS]
)
def test_every_condition_is_created_and_comes_back(
    filter_: Any, wanted: AnyMetricCondition
) -> None:
    for scope in SCOPES:
        definition = created(event_of(filter_, scope) >> DoNothing())
        assert definition.condition == wanted
        definition.check(frozenset())
        assert changed(saved(definition))[0] == definition
        assert read_draft(Draft.of(saved(definition))).checked() == definition
    named = created(event_of(filter_ & RunEvent.name.contains("res")) >> DoNothing())
    assert named.condition == wanted
    assert named.filter == Filter.of({"$or": [{"$and": [{"run_name": {"$contains": "res"}}]}]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "threshold_filter is null, not an object"),
        ('{"run_metric_filter": []}', "run_metric_filter is [], not an object"),
        ('{"run_metric_filter": {"threshold_filter": {}}}', "cannot be read: name"),
        (
            '{"run_metric_filter": {"threshold_filter": {"name": "a", "cmp_op": "$gt"}}}',
            "threshold_filter cannot be read: threshold",
        ),
        (
            '{"run_metric_filter": {"threshold_filter": {"name": "a", "colour": 1}}}',
            "threshold_filter cannot be read: cmp_op",
        ),
        (
            '{"run_metric_filter": {"threshold_filter": {"name": "a", "window_size": "five"}}}',
            "cannot be read: window_size",
        ),
        (
            '{"run_metric_filter": {"threshold_filter": {"agg_op": "MIN", "window_size": 1001}}}',
            "a window of 1,001 values is not possible",
        ),
    ],
)
def test_a_wrong_filter_is_refused_in_two_lines(text: str, said: str) -> None:
    written = prepare_to_create(event_of(LOSS > 1) >> DoNothing(), name="new").model_dump()
    with pytest.raises(FiretowerError) as refused:
        read_automation(Arguments({**written, "eventFilter": text}), ENDPOINTS)
    assert said in refused.value.message
    assert refused.value.hint


windows, aggregates = st.integers(2, 1_000), st.sampled_from([None, *Aggregate])
amounts = st.floats(1e-300, 1e300)
thresholds = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9)
comparisons = st.sampled_from(["$gt", "$gte", "$lt", "$lte"])
names = st.sampled_from(["loss", "eval.f1", "system.gpu.0.temp", "é"])
conditions = st.one_of(
    st.builds(
        ThresholdCondition,
        metric=names,
        aggregate=aggregates,
        window=windows,
        comparison=comparisons,
        threshold=thresholds,
    ),
    st.builds(
        ChangeCondition,
        metric=names,
        aggregate=aggregates,
        window=windows,
        prior_window=windows,
        change_type=st.sampled_from(ChangeType),
        direction=st.sampled_from(Direction),
        amount=amounts,
    ),
    st.builds(
        ZScoreCondition,
        metric=names,
        window=windows,
        direction=st.sampled_from(Direction),
        threshold=amounts,
    ),
)
TYPES = {
    "threshold": EventType.RUN_METRIC,
    "change": EventType.RUN_METRIC_CHANGE,
    "zscore": EventType.RUN_METRIC_ZSCORE,
}


def definition_of(found: AnyMetricCondition) -> Definition:
    definition = make_definition(scope=IN_VISION, event_type=EventType.RUN_STATE)
    return definition.model_copy(update={"event_type": TYPES[found.kind], "condition": found})


@given(conditions)
def test_any_condition_comes_back(found: AnyMetricCondition) -> None:
    definition = definition_of(found)
    assert changed(saved(definition))[0] == definition


def test_comparison_that_the_sdk_cannot_read_is_not_listed() -> None:
    shown = [
        is_readable(definition_of(threshold(sign, 1))) for sign in ("$eq", "$ne", "$gt", "$lte")
    ]
    assert shown == [False, False, True, True]
    for sign, is_read in (("$eq", False), ("$ne", False), ("$gt", True)):
        event = read_by_sdk(saved(definition_of(threshold(sign, 1)))).event
        assert hasattr(event.filter, "metric") is is_read  # without one it waits for nothing
