import json
from datetime import timedelta
from typing import Any

import pytest

from core.builders import NOON, make_execution
from firetower.core.executions import Attempt, SkipReason, Status

LATER = NOON + timedelta(minutes=10)


def test_only_what_waits_or_runs_is_not_final() -> None:
    assert {status for status in Status if not status.is_final} == {Status.PENDING, Status.RUNNING}


DESCRIBED: list[tuple[dict[str, Any], str]] = [
    ({"skip_reason": SkipReason.COOLDOWN, "cooldown_until": LATER}, "cooldown until 12:10"),
    ({"skip_reason": SkipReason.SHADOW}, "shadow"),
    ({"skip_reason": SkipReason.LOOP, "detail": "8 in a row"}, "loop: 8 in a row"),
    ({"skip_reason": SkipReason.ENDPOINT_DISABLED}, "endpoint ci is disabled"),
    (
        {"skip_reason": SkipReason.ENDPOINT_DISABLED, "detail": "by ada"},
        "endpoint ci is disabled: by ada",
    ),
    ({"skip_reason": SkipReason.ENDPOINT_DELETED}, "the endpoint was deleted"),
    ({"status": Status.PENDING, "next_attempt_at": NOON}, ""),
    (
        {"status": Status.PENDING, "next_attempt_at": LATER, "detail": "503", "attempts": 1},
        "503, again 12:10",
    ),
    (
        {"status": Status.PENDING, "next_attempt_at": NOON, "redelivery_requested_at": LATER},
        "redelivery requested at 12:10",
    ),
    (
        {"status": Status.PENDING, "next_attempt_at": NOON, "circuit_open_until": LATER},
        "next probe 12:10, circuit of ci is open",
    ),
    ({"status": Status.RUNNING, "detail": "503", "attempts": 2}, ""),
    ({"status": Status.FAILED, "detail": "gave up"}, "gave up"),
    ({"status": Status.FINISHED, "redelivery_requested_at": LATER}, ""),
]


@pytest.mark.parametrize(("given", "described"), DESCRIBED)
def test_describe_says_why_or_what_it_waits_for(given: dict[str, Any], described: str) -> None:
    execution = make_execution(endpoint="ci", **given)
    assert execution.describe(lambda moment: f"{moment:%H:%M}") == described


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({}, "pending"),
        ({"attempts": 1}, "retrying"),
        ({"circuit_open_until": LATER}, "queued"),
    ],
)
def test_state_tells_pending_executions_apart(given: dict[str, Any], state: str) -> None:
    assert make_execution(status=Status.PENDING, **given).state.value == state


def test_after_an_attempt_is_as_the_execution_was_then() -> None:
    execution = make_execution(
        status=Status.FINISHED, attempts=2, status_code=200, finished_at=LATER
    )
    then = execution.after(make_attempt())
    assert (then.status, then.attempts, then.status_code) == (Status.PENDING, 1, 503)
    assert then.describe(lambda moment: f"{moment:%M:%S}") == "503, again 00:05"
    assert then.finished_at is None


def test_execution_data_has_plain_fields_and_is_json() -> None:
    data = make_execution(skip_reason=SkipReason.COOLDOWN, cooldown_until=LATER).as_data()
    assert (data["status"], data["skip_reason"]) == ("skipped", "cooldown")
    assert data["cooldown_until"] == "2026-03-01T12:10:00.000000Z"
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def make_attempt() -> Attempt:
    """Return a first attempt that is retried."""
    return Attempt(
        id=7,
        number=1,
        started_at=NOON,
        duration_ms=12.5,
        url="https://ci.example/hook",
        request_headers={"webhook-id": "msg_1"},
        request_body="{}",
        status_code=503,
        outcome=Status.PENDING,
        next_attempt_at=NOON + timedelta(seconds=5),
    )


def test_the_data_of_an_attempt_is_json() -> None:
    attempt = make_attempt()
    data = attempt.as_data()
    assert json.loads(json.dumps(data)) == data
    assert data["next_attempt_at"] == "2026-03-01T12:00:05.000000Z"
    assert attempt.was_sent
    assert not attempt.model_copy(update={"url": ""}).was_sent
