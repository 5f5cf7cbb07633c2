from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import NOON
from firetower.core.executions import Status
from firetower.core.retry import DEFAULT_SCHEDULE, LOST, Answer, Verdict, judge, judge_lost

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
failures = st.builds(Answer, st.integers(300, 599).filter(lambda code: code != 410)) | st.builds(
    Answer, error=st.just("connection refused")
)
jitters = st.floats(-1, 1)


def judged(answer: Answer, **given: Any) -> Verdict:
    defaults: dict[str, Any] = {
        "retries_used": 0,
        "schedule": DEFAULT_SCHEDULE,
        "now": NOON,
        "jitter": 0.0,
    }
    return judge(answer, **(defaults | given))


def wait(retry_after: str, *, jitter: float = 0, now: datetime = NOON) -> timedelta:
    verdict = judged(Answer(503, retry_after=retry_after), jitter=jitter, now=now)
    assert verdict.status is Status.PENDING
    assert verdict.next_attempt_at is not None
    return verdict.next_attempt_at - now


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_2xx_is_success(code: int) -> None:
    assert judged(Answer(code, retry_after="60")) == Verdict(Status.FINISHED)


@pytest.mark.parametrize("code", [100, 199, 300, 301, 302, 304, 307, 308, 400, 404, 429, 500, 503])
def test_everything_else_is_a_failure_and_tried_again(code: int) -> None:
    verdict = judged(Answer(code))
    assert verdict == Verdict(Status.PENDING, NOON + timedelta(seconds=5), str(code))


def test_unreadable_answer_is_a_failure_with_any_status_code() -> None:
    for code in (200, 410, None):
        verdict = judged(Answer(code, error="timed out"))
        assert verdict.status is Status.PENDING
        assert verdict.detail == "timed out"
        assert not verdict.disables_endpoint


@pytest.mark.parametrize("retries_used", [0, 3, 9])
def test_410_gives_up_at_once_and_disables_the_endpoint(retries_used: int) -> None:
    verdict = judged(Answer(410, retry_after="60"), retries_used=retries_used)
    assert verdict.status is Status.FAILED
    assert verdict.disables_endpoint
    assert verdict.next_attempt_at is None
    assert "410" in (verdict.detail or "")


def test_the_default_schedule_is_that_of_standard_webhooks() -> None:
    hours = [2, 5, 10, 14, 20, 24]
    first = [SECOND * 5, SECOND * 300, SECOND * 1800]
    assert list(DEFAULT_SCHEDULE) == first + [timedelta(hours=hour) for hour in hours]


@given(st.lists(st.timedeltas(SECOND, DAY * 30), max_size=6), failures)
def test_failures_walk_through_the_schedule_and_then_give_up(
    schedule: list[timedelta], answer: Answer
) -> None:
    now = NOON
    for used, step in enumerate(schedule):
        verdict = judged(answer, retries_used=used, schedule=schedule, now=now)
        assert verdict == Verdict(Status.PENDING, now + step, answer.words)
        assert verdict.next_attempt_at is not None
        now = verdict.next_attempt_at
    last = judged(answer, retries_used=len(schedule), schedule=schedule, now=now)
    assert last.status is Status.FAILED
    assert last.next_attempt_at is None
    attempts = "1 attempt" if not schedule else f"{len(schedule) + 1} attempts"
    assert last.detail == f"gave up after {attempts}: {answer.words}"


def test_first_lost_attempt_is_repeated_at_once_later_ones_wait() -> None:
    schedule = (SECOND * 5, SECOND * 300)

    def lost(before: int, used: int) -> Verdict:
        return judge_lost(
            lost_before=before, retries_used=used, schedule=schedule, now=NOON, jitter=1
        )

    assert lost(0, 0) == Verdict(Status.PENDING, NOON, LOST)
    assert lost(0, 2) == Verdict(Status.PENDING, NOON, LOST)
    assert lost(1, 0) == Verdict(Status.PENDING, NOON + SECOND * 6, LOST)
    assert lost(2, 1) == Verdict(Status.PENDING, NOON + SECOND * 360, LOST)
    assert lost(3, 2) == Verdict(Status.FAILED, detail=f"gave up, 4 attempts were lost: {LOST}")


@given(jitters, st.integers(0, len(DEFAULT_SCHEDULE) - 1), failures)
def test_jitter_moves_a_wait_by_a_fifth_at_most(jitter: float, used: int, answer: Answer) -> None:
    due = judged(answer, retries_used=used, jitter=jitter).next_attempt_at
    assert due is not None
    step = DEFAULT_SCHEDULE[used]
    assert step * 0.8 <= due - NOON <= step * 1.2
    assert ((due - NOON) - step) / step == pytest.approx(0.2 * jitter, abs=1e-6)


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        ("120", timedelta(minutes=2)),
        (" 120 ", timedelta(minutes=2)),
        ("0", SECOND),
        ("86400", DAY),
        ("86401", DAY),
        ("9" * 6000, DAY),
        ("Sun, 01 Mar 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("Sun, 01 Mar 2026 13:10:00 +0100", timedelta(minutes=10)),
        ("Sun, 01 Mar 2026 12:10:00 -0000", timedelta(minutes=10)),
        ("Sunday, 01-Mar-26 12:10:00 GMT", timedelta(minutes=10)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", SECOND),
        ("Mon, 01 Mar 1926 11:00:00 GMT", SECOND),
        ("Tue, 03 Mar 2026 12:00:00 GMT", DAY),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
    ],
    ids=lambda value: value[:36] if isinstance(value, str) else None,
)
def test_retry_after_replaces_the_schedules_wait(retry_after: str, expected: timedelta) -> None:
    for jitter in (-1, 0, 1):
        assert wait(retry_after, jitter=jitter) == expected


@pytest.mark.parametrize(
    "retry_after",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "1e3",
        "٣",
        "Sun, 32 Mar 2026 12:10:00 GMT",
        "Mon, 01 Jan 99999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
    ],
)
def test_a_retry_after_that_cannot_be_read_leaves_the_schedule(retry_after: str) -> None:
    assert wait(retry_after) == timedelta(seconds=5)


date_words = st.sampled_from(
    ["Sun,", "01", "Mar", "2026", "12:10:00", "12:10", "GMT", "+0100", "9" * 30, "-", "0", ":"]
)


@given(st.text() | st.lists(date_words, max_size=7).map(" ".join))
def test_no_retry_after_breaks_the_worker_or_waits_longer_than_a_day(retry_after: str) -> None:
    assert SECOND <= wait(retry_after) <= DAY


@given(st.integers(1, 86_400))
def test_a_retry_after_date_waits_until_that_date(seconds: int) -> None:
    moment = NOON + timedelta(seconds=seconds)
    assert wait(format_datetime(moment)) == timedelta(seconds=seconds)


def test_retry_after_gives_no_try_beyond_the_schedule() -> None:
    verdict = judged(Answer(503, retry_after="60"), retries_used=len(DEFAULT_SCHEDULE))
    assert verdict == Verdict(Status.FAILED, detail="gave up after 10 attempts: 503")
