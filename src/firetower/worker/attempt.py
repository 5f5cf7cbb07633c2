"""Perform one attempt of an execution: render, sign, send, judge."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from firetower._version import __version__
from firetower.core.errors import FiretowerError
from firetower.core.executions import Status
from firetower.core.requests import (
    MOST_KEPT,
    RecordedRequest,
    Request,
    Secrets,
    build_request,
    record_answer,
    record_request,
    render_body,
)
from firetower.core.retry import Answer, Verdict, judge
from firetower.core.text import shortened, storable
from firetower.delivery.client import Client, send
from firetower.store.queue.cycle import Claim
from firetower.store.queue.record import AttemptResult

OpenSecrets = Callable[[Claim], Secrets]


async def deliver(
    claim: Claim, secrets: Secrets, client: Client, clock: Callable[[], datetime]
) -> AttemptResult:
    """Perform a claim and return its outcome, with secrets masked."""
    started_at = clock()
    request = request_of(claim, secrets, started_at)
    begun = time.monotonic()
    answer = await send(client, request, claim.endpoint.settings.timeout)
    spent = timedelta(seconds=time.monotonic() - begun)
    jitter = random.uniform(-1, 1)  # noqa: S311 - spreads load, hides nothing
    exchange = Exchange(request, answer, started_at, spent)
    return outcome_of(claim, secrets, exchange, now=clock(), jitter=jitter)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    request: Request
    answer: Answer
    started_at: datetime
    spent: timedelta


def request_of(claim: Claim, secrets: Secrets, sent_at: datetime) -> Request:
    """Return the request of a claim, signed for the moment at which it is sent."""
    body = render_body(claim.revision.definition, claim.event, claim.endpoint, secrets)
    return build_request(
        body,
        claim.endpoint,
        secrets,
        webhook_id=claim.webhook_id,
        sent_at=sent_at,
        version=__version__,
    )


def outcome_of(
    claim: Claim, secrets: Secrets, exchange: Exchange, *, now: datetime, jitter: float
) -> AttemptResult:
    """Judge an answer and return the outcome to record, with secrets masked.

    `jitter`, from -1 to 1, moves the next attempt earlier or later.
    """
    endpoint, answer = claim.endpoint, record_answer(exchange.answer, secrets)
    verdict = judge(
        answer,
        retries_used=claim.retries_used,
        schedule=endpoint.settings.schedule,
        now=now,
        jitter=jitter,
    )
    recorded = record_request(exchange.request, endpoint, secrets)
    return AttemptResult(claim, recorded, answer, verdict, exchange.started_at, exchange.spent)


def refused(claim: Claim, error: FiretowerError, now: datetime) -> AttemptResult:
    """Return the outcome of an attempt whose request could not be made."""
    said = storable(shortened(error.message, MOST_KEPT))
    answer = Answer(error=said)
    verdict = Verdict(Status.FAILED, detail=f"{said}. {error.hint}")
    nothing = RecordedRequest(url="", headers={}, body="")
    return AttemptResult(claim, nothing, answer, verdict, now, timedelta(0))
