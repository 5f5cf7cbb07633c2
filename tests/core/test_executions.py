import json
from datetime import timedelta

import pytest

from core.builders import NOON, make_execution, refusal
from firetower.core.executions import COOLDOWN, REDELIVERY, Attempt, Status


@pytest.mark.parametrize("text", ["failed", "FAILED", " Failed "])
def test_a_status_is_read_in_any_case(text: str) -> None:
    assert Status.parse(text) is Status.FAILED


def test_an_unknown_status_is_refused_with_the_choices() -> None:
    said = refusal(lambda: Status.parse("done"))
    assert "Choose pending, running, finished, failed or skipped." in said


def test_only_what_waits_or_runs_is_not_final() -> None:
    assert {status for status in Status if not status.is_final} == {Status.PENDING, Status.RUNNING}


@pytest.mark.parametrize(
    ("reason", "explanation"),
    [
        (COOLDOWN, "cooldown until 12:04:31"),
        (REDELIVERY, "redelivery asked at 12:04:31"),
        ("shadow", "shadow"),
        (None, ""),
    ],
)
def test_an_execution_says_why_it_is_as_it_is(reason: str | None, explanation: str) -> None:
    assert make_execution(reason=reason).explanation("12:04:31") == explanation


def test_the_data_of_an_execution_names_the_end_of_its_cooldown() -> None:
    data = make_execution(reason=COOLDOWN).as_data()
    assert data["reason"] == "cooldown until 2026-03-01T12:10:00.000000Z"
    assert data["status"] == "skipped"
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_the_data_of_an_attempt_is_json() -> None:
    attempt = Attempt(
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
    data = attempt.as_data()
    assert json.loads(json.dumps(data)) == data
    assert data["next_attempt_at"] == "2026-03-01T12:00:05.000000Z"
    assert attempt.was_sent
    assert not attempt.model_copy(update={"url": ""}).was_sent
