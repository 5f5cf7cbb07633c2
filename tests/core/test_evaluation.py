import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import NOON, make_definition, make_endpoint, make_event, make_revision
from core.builders import make_webhook as webhook
from firetower.core.automations import Mode
from firetower.core.executions import SkipReason, Status
from firetower.core.matching import (
    AutomationIndex,
    Decision,
    decide,
    fire,
    match,
)
from firetower.core.templates import MASK

MINUTE = timedelta(minutes=1)
TEN_MINUTES = 10 * MINUTE
ENDPOINTS = {1: make_endpoint()}
LIMITED = make_definition(cooldown=TEN_MINUTES)


def fired(
    minutes: list[float],
    *,
    mode: Mode = Mode.ENABLED,
    cooldowns: Mapping[int, Any] | None = None,
    **definition: Any,
) -> list[Decision]:
    """Return what becomes of events at these minutes after noon."""
    revision = make_revision(
        make_definition(**{"cooldown": TEN_MINUTES, **definition}), mode=mode, endpoint_id=1
    )
    events = [
        make_event(event_id=number, at=NOON + MINUTE * minute)
        for number, minute in enumerate(minutes, 1)
    ]
    return list(decide(match(events, AutomationIndex([revision])), ENDPOINTS, cooldowns or {}))


def outcome(decisions: list[Decision]) -> list[str]:
    return [
        decision.status.value if decision.skip_reason is None else decision.skip_reason.value
        for decision in decisions
    ]


@pytest.mark.parametrize(
    ("minutes", "outcomes"),
    [
        pytest.param([0, 1, 9.9], ["finished", "cooldown", "cooldown"], id="held back"),
        pytest.param([0, 10, 20], ["finished", "finished", "finished"], id="its end is outside"),
        pytest.param([0, 6, 12], ["finished", "cooldown", "finished"], id="not begun again"),
        pytest.param([0, -1], ["finished", "cooldown"], id="clock back a little"),
        pytest.param([0, -60, -55], ["finished", "finished", "cooldown"], id="clock back far"),
        pytest.param([0, -10], ["finished", "finished"], id="clock back by the cooldown"),
        pytest.param([0, -9, 0.9], ["finished", "cooldown", "cooldown"], id="anew from there"),
        pytest.param(
            [0, -9, 1], ["finished", "cooldown", "finished"], id="once, not twice as long"
        ),
        pytest.param(
            [0, -4, -9, 1], ["finished", "cooldown", "cooldown", "finished"], id="back twice"
        ),
    ],
)
def test_a_cooldown_holds_back_what_comes_too_soon(
    minutes: list[float], outcomes: list[str]
) -> None:
    assert outcome(fired(minutes)) == outcomes


def test_a_decision_that_was_held_back_says_until_when() -> None:
    _, held = fired([0, 3])
    assert held.status is Status.SKIPPED
    assert held.cooldown_until == NOON + TEN_MINUTES
    _, held = fired([0, -3])
    assert held.cooldown_until == NOON + 7 * MINUTE


def test_a_cooldown_goes_on_from_what_the_store_remembers() -> None:
    assert outcome(fired([3], cooldowns={1: NOON})) == ["cooldown"]
    assert outcome(fired([3], cooldowns={2: NOON})) == ["finished"]


def test_without_a_cooldown_every_event_fires() -> None:
    decisions = fired([0, 0, 0], cooldown=None, cooldowns={1: NOON})
    assert outcome(decisions) == ["finished"] * 3


def test_a_shadow_decision_begins_a_cooldown_as_a_real_one_would() -> None:
    assert outcome(fired([0, 1], mode=Mode.SHADOW)) == ["shadow", "cooldown"]


def test_skip_for_a_disabled_endpoint_begins_no_cooldown() -> None:
    revision = make_revision(make_definition(action=webhook(), cooldown=TEN_MINUTES))
    events = [make_event(event_id=number) for number in (1, 2)]
    decisions = list(decide(match(events, AutomationIndex([revision])), {}, {}))
    assert outcome(decisions) == ["endpoint_deleted"] * 2


def test_a_cooldown_belongs_to_one_automation_and_outlives_an_edit() -> None:
    index = AutomationIndex(
        [
            make_revision(LIMITED, automation_id=1, until=1),
            make_revision(LIMITED, automation_id=1, number=2, after=1),
            make_revision(LIMITED, automation_id=2, after=1),
        ]
    )
    events = [make_event(event_id=number, at=NOON + MINUTE * number) for number in (1, 2)]
    decisions = list(decide(match(events, index), {}, {}))
    assert [(f.event.id, f.revision.automation_id, f.status.value) for f in decisions] == [
        (1, 1, "finished"),
        (2, 1, "skipped"),
        (2, 2, "finished"),
    ]


@given(st.lists(st.integers(-30, 30), max_size=12))
def test_cooldown_skips_exactly_within_it_or_a_clock_set_back(
    minutes: list[int],
) -> None:
    began: datetime | None = None
    for decision in fired([*map(float, minutes)]):
        at = decision.event.recorded_at
        near = began is not None and abs(at - began) < TEN_MINUTES
        assert (decision.status is Status.SKIPPED) is near
        began = min(began, at) if near and began is not None else at
        assert decision.cooldown_until in {None, began + TEN_MINUTES}


@pytest.mark.parametrize(
    ("mode", "endpoints", "status", "skip_reason"),
    [
        pytest.param(Mode.ENABLED, ENDPOINTS, Status.PENDING, None, id="enabled"),
        pytest.param(Mode.SHADOW, ENDPOINTS, Status.SKIPPED, SkipReason.SHADOW, id="shadow"),
        pytest.param(
            Mode.ENABLED, {}, Status.SKIPPED, SkipReason.ENDPOINT_DELETED, id="endpoint deleted"
        ),
        pytest.param(
            Mode.ENABLED,
            {1: make_endpoint(disabled_reason="gone (410)")},
            Status.SKIPPED,
            SkipReason.ENDPOINT_DISABLED,
            id="endpoint disabled",
        ),
        pytest.param(
            Mode.SHADOW,
            {1: make_endpoint(disabled=True)},
            Status.SKIPPED,
            SkipReason.SHADOW,
            id="shadow of a disabled endpoint",
        ),
    ],
)
def test_a_decision_is_pending_or_says_why_nothing_is_sent(
    mode: Mode, endpoints: Any, status: Status, skip_reason: SkipReason | None
) -> None:
    revision = make_revision(make_definition(action=webhook()), mode=mode, endpoint_id=1)
    decision = fire(revision, make_event(), None, endpoints)
    assert (decision.status, decision.skip_reason) == (status, skip_reason)
    assert decision.cooldown_until is None


def test_shadow_decision_keeps_its_request_without_secrets() -> None:
    revision = make_revision(
        make_definition(action=webhook('["${alias}", "${ACCESS_TOKEN}"]')),
        mode=Mode.SHADOW,
        endpoint_id=1,
    )
    endpoints = {1: make_endpoint(access_token_secret="GH")}
    body = fire(revision, make_event(), None, endpoints).request_body
    assert json.loads(body or "") == ["production", MASK]
    assert fire(make_revision(), make_event(), None, endpoints).request_body is None


def test_a_decision_that_sends_nothing_is_finished_at_once() -> None:
    assert fire(make_revision(), make_event(), None, {}).status is Status.FINISHED


def test_what_is_or_would_be_sent_starts_a_cooldown() -> None:
    revision, event = make_revision(), make_event()
    assert Decision(revision, event, Status.PENDING).starts_cooldown
    assert Decision(revision, event, Status.FINISHED).starts_cooldown
    assert Decision(revision, event, Status.SKIPPED, SkipReason.SHADOW).starts_cooldown
    assert not Decision(
        revision, event, Status.SKIPPED, SkipReason.ENDPOINT_DELETED
    ).starts_cooldown
