"""Verdicts on answers: finished, retry and when, give up, or disable the endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from firetower.core.executions import Status
from firetower.core.text import counted

DEFAULT_SCHEDULE: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    *(timedelta(minutes=minutes) for minutes in (5, 30)),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""The waits after each failed attempt. Source: Standard Webhooks 1.0.0, "Delivery and retries"."""

JITTER = 0.2
"""Waits vary by this share in both directions, so that failures do not come back together."""

LONGEST_RETRY_AFTER = timedelta(days=1)
_SHORTEST_RETRY_AFTER = timedelta(seconds=1)
_GONE = 410
_ASKS_TO_WAIT = frozenset({408, 425, 429})
LOST = "the worker ended before the answer was recorded"
"""The error of an attempt lost with its worker."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one attempt, or why none came."""

    status_code: int | None = None
    """None where no answer came."""
    error: str | None = None
    """Why no answer came, or why it could not be read."""
    body: str = ""
    cut: bool = False
    """Whether `body` is only a beginning: the rest was too long, or never came."""
    retry_after: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took the request: 2xx, as Standard Webhooks asks."""
        return self.error is None and self.status_code is not None and 200 <= self.status_code < 300

    @property
    def words(self) -> str:
        """The answer in short: "503", or the error."""
        return self.error or str(self.status_code)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The consequence of an answer for its execution and endpoint."""

    status: Status
    """`finished`, `pending` for another attempt, or `failed`."""
    next_attempt_at: datetime | None = None
    detail: str | None = None
    """The answer in short, or why it gave up."""
    disables_endpoint: bool = False


def works(answer: Answer) -> bool:
    """Return whether an answer shows that the endpoint works.

    2xx does, and so does 4xx: the request was read and refused, for what is in it. 408, 425 and
    429 ask to come later, 3xx and 5xx come from a proxy or a broken server, as no answer does.
    """
    if answer.error is not None or answer.status_code is None:
        return False
    code = answer.status_code
    return 200 <= code < 300 or (400 <= code < 500 and code not in _ASKS_TO_WAIT)


def judge(
    answer: Answer,
    *,
    retries_used: int,
    schedule: Sequence[timedelta],
    now: datetime,
    jitter: float,
) -> Verdict:
    """Return the verdict on an answer.

    `retries_used` counts the waits of `schedule` already spent; `jitter` is a random number from
    -1 to 1. An answer's Retry-After replaces the schedule's wait, from a second to a day.
    """
    if answer.succeeded:
        return Verdict(Status.FINISHED)
    if answer.status_code == _GONE and answer.error is None:
        return Verdict(Status.FAILED, detail="the endpoint is gone (410)", disables_endpoint=True)
    if retries_used >= len(schedule):
        attempts = counted(retries_used + 1, "attempt")
        return Verdict(Status.FAILED, detail=f"gave up after {attempts}: {answer.words}")
    wait = asked_wait(answer.retry_after, now)
    if wait is None:
        wait = schedule[retries_used] * (1 + JITTER * jitter)
    return Verdict(Status.PENDING, next_attempt_at=now + wait, detail=answer.words)


def judge_lost(
    *,
    lost_before: int,
    retries_used: int,
    schedule: Sequence[timedelta],
    now: datetime,
    jitter: float,
) -> Verdict:
    """Return the verdict on an attempt whose worker ended; arguments as of `judge`.

    The first lost attempt is repeated at once: workers are restarted all the time. From the second
    on it counts as failed, for the execution itself may be what ends the workers.
    """
    if lost_before == 0:
        return Verdict(Status.PENDING, next_attempt_at=now, detail=LOST)
    if retries_used >= len(schedule):
        return Verdict(
            Status.FAILED, detail=f"gave up, {lost_before + 1} attempts were lost: {LOST}"
        )
    return judge(
        Answer(error=LOST), retries_used=retries_used, schedule=schedule, now=now, jitter=jitter
    )


def asked_wait(retry_after: str | None, now: datetime) -> timedelta | None:
    """Return the wait that a Retry-After header asks for (RFC 9110, 10.2.3), within bounds."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(int(text[:12]), LONGEST_RETRY_AFTER.total_seconds()))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(wait, _SHORTEST_RETRY_AFTER), LONGEST_RETRY_AFTER)
