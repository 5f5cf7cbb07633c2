"""W&B's JSON of metric events: what its own classes make is the same condition here."""

from typing import Any

import pytest
from wandb.automations import DoNothing, OnRunMetric, RunEvent
from wandb.automations._inputs import prepare_to_create

from core.test_metrics import change, condition, threshold
from firetower.core.drafts import Draft, read_draft
from firetower.core.errors import FiretowerError
from firetower.core.filters import Filter
from firetower.core.metrics import AnyMetricCondition
from firetower.server.automations import read_automation
from firetower.server.fields import Arguments
from server.test_run_automation_json import IN_VISION, SCOPES
from server.through_sdk import ENDPOINTS, changed, created, saved, scope_of_sdk

pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's own

LOSS: Any = RunEvent.metric("loss")
METRIC_EVENT: Any = OnRunMetric
CONDITIONS: list[tuple[Any, AnyMetricCondition]] = [
    (LOSS > 0.65, threshold()),
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
        ('{"run_metric_filter": {"threshold_filter": {}}}', "cannot be read: metric"),
        (
            '{"run_metric_filter": {"threshold_filter": {"name": "a", "cmp_op": "$gt"}}}',
            "threshold_filter cannot be read: threshold",
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
