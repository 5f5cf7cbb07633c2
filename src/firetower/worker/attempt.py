"""Perform one attempt of an execution: render, sign, send, judge."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from firetower._version import __version__
from firetower.core.errors import FiretowerError, Unforeseen
from firetower.core.executions import Status
from firetower.core.requests import (
    MAX_KEPT,
    Request,
    Secrets,
    build_request,
    record_answer,
    record_request,
    render_body,
)
from firetower.core.retry import Answer, Verdict, judge
from firetower.core.text import shortened, storable
from firetower.store.circuits import any_jitter
from firetower.store.queue.claim import Claim
from firetower.store.queue.record import NOTHING_SENT, AttemptResult

if TYPE_CHECKING:
    from firetower.delivery.client import Client

_LONG = 4_000
"""Characters of an answer from which it is not judged on the event loop."""


async def deliver(
    claim: Claim,
    secrets: Secrets,
    client: "Client",
    clock: Callable[[], datetime],
    committed: asyncio.Future[float],
) -> AttemptResult:
    """Perform a claim, once it is committed, and return its result, with secrets masked.

    `committed` ends with the moment of the commit by the monotonic clock, from which time counts.
    """
    from firetower.delivery.client import send  # httpx: the demo's history sends nothing

    started_at = clock()
    request = request_of(claim, secrets, started_at)
    begun = time.monotonic()
    answer = await send(client, request, claim.endpoint.settings.timeout, committed)
    ended = time.monotonic()
    begun = max(begun, await asyncio.shield(committed))
    duration = timedelta(seconds=max(0, ended - begun))
    jitter = any_jitter()
    judged = partial(
        result_of,
        *(claim, secrets, request, answer),
        started_at=started_at,
        duration=duration,
        jitter=jitter,
    )
    if len(answer.body) < _LONG:
        return judged()
    try:  # looking for secrets in a long answer takes a while, in which others are to be served
        return await asyncio.to_thread(judged)
    except RuntimeError:  # no thread can be started
        return judged()


def request_of(claim: Claim, secrets: Secrets, sent_at: datetime) -> Request:
    """Return the request of a claim, signed for the moment at which it is sent."""
    return build_request(
        render_body(claim.revision.definition, claim.event, claim.endpoint, secrets),
        claim.endpoint,
        secrets,
        webhook_id=claim.webhook_id,
        sent_at=sent_at,
        version=__version__,
    )


def result_of(
    claim: Claim,
    secrets: Secrets,
    request: Request,
    answer: Answer,
    *,
    started_at: datetime,
    duration: timedelta,
    jitter: float,
) -> AttemptResult:
    """Judge an answer and return the result to record, with secrets masked.

    `jitter`, from -1 to 1, moves the next attempt earlier or later.
    """
    masked = record_answer(answer, secrets)
    verdict = _judge(claim, masked, started_at + duration, jitter)
    recorded = record_request(request, claim.endpoint, secrets)
    return AttemptResult(claim, recorded, masked, verdict, started_at, duration)


def refused(claim: Claim, error: FiretowerError, now: datetime) -> AttemptResult:
    """Return the result of an attempt whose request can never be made."""
    answer = _nothing_sent(error)
    verdict = Verdict(Status.FAILED, detail=f"{answer.error}. {error.hint}")
    return AttemptResult(claim, NOTHING_SENT, answer, verdict, now, timedelta(0))


def failed(claim: Claim, error: Unforeseen, now: datetime) -> AttemptResult:
    """Return the result of an attempt that a defect ended: the next may go well."""
    answer = _nothing_sent(error)
    verdict = _judge(claim, answer, now, any_jitter())
    return AttemptResult(claim, NOTHING_SENT, answer, verdict, now, timedelta(0))


def _judge(claim: Claim, answer: Answer, now: datetime, jitter: float) -> Verdict:
    used, schedule = claim.retries_used, claim.endpoint.settings.schedule
    return judge(answer, retries_used=used, schedule=schedule, now=now, jitter=jitter)


def _nothing_sent(error: FiretowerError) -> Answer:
    return Answer(error=storable(shortened(error.message, MAX_KEPT)))
