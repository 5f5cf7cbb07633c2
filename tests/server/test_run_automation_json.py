"""W&B's JSON of run events: what its own classes read of ours, and what we read of theirs."""

import json
from typing import Any

import pytest
from wandb._filters import FilterExpr, Gt
from wandb.automations import (
    DoNothing,
    OnRunState,
    RunEvent,
)
from wandb.automations._inputs import prepare_to_create

from core.builders import VISION
from firetower.core.drafts import Draft, read_draft
from firetower.core.errors import FiretowerError
from firetower.core.events import EventType
from firetower.core.filters import ANY, Filter
from firetower.core.runs import RunState, StateCondition
from firetower.core.scopes import ContainerScope, Scope
from firetower.server.automations import read_automation
from firetower.server.fields import Arguments
from server.through_sdk import ENDPOINTS, WHOLE, changed, created, saved, scope_of_sdk

IN_VISION = ContainerScope(container=VISION)
SCOPES: list[Scope] = [WHOLE[0], WHOLE[2], WHOLE[3]]
NAMED = RunEvent.name
FINISHED, FAILED = RunState.FINISHED, RunState.FAILED


CONDITIONS: list[tuple[Any, StateCondition]] = [
    (RunEvent.state.eq("finished"), StateCondition(states=(FINISHED,))),
    (RunEvent.state == "running", StateCondition(states=(RunState.RUNNING,))),
    (RunEvent.state.in_(["finished", "failed"]), StateCondition(states=(FAILED, FINISHED))),
]


def event_of(filter_: Any, scope: Scope = IN_VISION) -> Any:
    return OnRunState(scope=scope_of_sdk(scope), filter=filter_)


@pytest.mark.parametrize(
    ("filter_", "condition"), CONDITIONS, ids=[one[1].words for one in CONDITIONS]
)
def test_every_condition_is_created_and_comes_back(filter_: Any, condition: StateCondition) -> None:
    for scope in SCOPES:
        definition = created(event_of(filter_, scope) >> DoNothing())
        assert definition.condition == condition
        assert definition.event_type is EventType.RUN_STATE
        assert definition.filter == ANY
        assert definition.scope == scope
        definition.check(frozenset())
        assert changed(saved(definition))[0] == definition
        assert read_draft(Draft.of(saved(definition))).checked() == definition


def config(path: str) -> FilterExpr:
    return FilterExpr(field=f"config.{path}", op=Gt(val=0.1))


RUNS: list[tuple[Any, dict[str, Any]]] = [
    (NAMED.matches_regex("^resnet"), {"run_name": {"$regex": "^resnet"}}),
    (NAMED.contains("resnet"), {"run_name": {"$contains": "resnet"}}),
    (NAMED.eq("resnet"), {"run_name": {"$eq": "resnet"}}),
    (NAMED != "resnet", {"run_name": {"$ne": "resnet"}}),
    (NAMED.in_(["a", "b"]), {"run_name": {"$in": ["a", "b"]}}),
    (NAMED.not_in(["a"]), {"run_name": {"$nin": ["a"]}}),
    (NAMED.exists(), {"run_name": {"$exists": True}}),
    (NAMED > "a", {"run_name": {"$gt": "a"}}),
    (NAMED >= "a", {"run_name": {"$gte": "a"}}),
    (NAMED < "a", {"run_name": {"$lt": "a"}}),
    (NAMED <= "a", {"run_name": {"$lte": "a"}}),
    (~NAMED.contains("a"), {"$not": {"run_name": {"$contains": "a"}}}),
    (config("lr.value"), {"config.lr": {"$gt": 0.1}}),
    (config("lr"), {"config.lr": {"$gt": 0.1}}),
    (config("lr.value.value"), {"config.lr.value": {"$gt": 0.1}}),
    (
        NAMED.contains("a") | NAMED.eq("b"),
        {"$or": [{"run_name": {"$contains": "a"}}, {"run_name": {"$eq": "b"}}]},
    ),
]


@pytest.mark.parametrize(("runs", "written"), RUNS, ids=[str(one[1]) for one in RUNS])
def test_every_run_filter_is_that_of_the_form(runs: Any, written: dict[str, Any]) -> None:
    filter_ = (RunEvent.state == "failed") & runs
    event = OnRunState(scope=scope_of_sdk(IN_VISION), filter=filter_)
    definition = created(event >> DoNothing())
    assert definition.filter == Filter.of({"$or": [{"$and": [written]}]})
    definition.check(frozenset())
    assert changed(saved(definition))[0] == definition
    draft = Draft.of(saved(definition))
    assert read_draft(draft).checked() == definition
    assert bool(draft.run_name) is ("$regex" in json.dumps(written))


REFUSED: list[tuple[str, str]] = [
    ("{}", "run_state_filter is null, not an object"),
    ("[]", "the filter is [], not an object"),
    ('{"run_filter": "[]", "run_state_filter": {}}', "run_filter is [], not an object"),
    ('{"run_state_filter": {"states": []}}', ""),
    ('{"run_state_filter": {"states": ["KILLED"]}}', "an automation cannot wait for that state"),
    ('{"run_state_filter": {"states": 3}}', 'there is no state "3" of a run'),
    (
        '{"run_filter": {"colour": 1}, "run_state_filter": {"states": ["FAILED"]}}',
        'a filter cannot ask for the field "colour"',
    ),
    (
        '{"run_filter": {"alias": 1}, "run_state_filter": {"states": ["FAILED"]}}',
        "RUN_STATE events have no alias",
    ),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[one[0] for one in REFUSED])
def test_a_wrong_filter_is_refused_in_two_lines(text: str, said: str) -> None:
    new = event_of(RunEvent.state.eq("failed")) >> DoNothing()
    written = prepare_to_create(new, name="new").model_dump()
    with pytest.raises(FiretowerError) as refused:
        read_automation(Arguments({**written, "eventFilter": text}), ENDPOINTS)[0].check(
            frozenset()
        )
    assert said in refused.value.message
    assert refused.value.hint
