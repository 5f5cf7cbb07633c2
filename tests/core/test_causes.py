"""Chains of automations that fire one another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import MODELS, make_definition, make_event, make_revision, refusal
from firetower.core.causes import LOOP_LIMIT, check_cause, depth_of, webhook_id
from firetower.core.events import EventType
from firetower.core.executions import SkipReason, Status
from firetower.core.matching import fire
from firetower.core.scopes import ContainerScope


@given(st.integers(1, 40))
def test_the_id_of_what_is_fired_tells_how_long_its_chain_is(length: int) -> None:
    cause = None
    for depth in range(1, length + 1):
        cause = webhook_id("0" * 32, cause)
        assert depth_of(cause) == depth
        assert "." not in cause
        assert check_cause(cause) == cause


def test_the_id_of_what_nothing_caused_is_the_usual_one() -> None:
    assert webhook_id("ab12", None) == "msg_ab12"
    assert webhook_id("ab12", "msg_cd34") == "msg_ab12_x2"
    assert depth_of("someone-elses-id") == 1


@pytest.mark.parametrize("cause", ["", "a b", "a" * 129, "msg.1", "\x1b"])
def test_what_is_no_webhook_id_is_refused(cause: str) -> None:
    assert "is not a webhook-id" in refusal(lambda: check_cause(cause))


@pytest.mark.parametrize(
    ("depth", "status"), [(LOOP_LIMIT - 1, Status.FINISHED), (LOOP_LIMIT, Status.SKIPPED)]
)
def test_a_chain_that_is_too_long_ends(depth: int, status: Status) -> None:
    cause = f"msg_ab_x{depth}"
    scope = ContainerScope(container=MODELS)
    definition = make_definition(scope=scope, event_type=EventType.ADD_ARTIFACT_ALIAS)
    event = make_event(EventType.ADD_ARTIFACT_ALIAS, alias="a", cause=cause)
    decision = fire(make_revision(definition), event, None, {})
    assert decision.status is status
    if status is Status.SKIPPED:
        assert decision.skip_reason is SkipReason.LOOP
        assert decision.detail == f"{LOOP_LIMIT} automations fired one another"
