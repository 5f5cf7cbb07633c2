"""Performing a claim: render, sign, send, judge."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from firetower._version import __version__
from firetower.core.delivery import Answer, Verdict, judge
from firetower.core.errors import FiretowerError
from firetower.core.executions import Status
from firetower.core.requests import (
    RecordedRequest,
    Secrets,
    build_request,
    record_request,
    render_body,
)
from firetower.store.queue.record import Outcome
from firetower.store.queue.turn import Claim
from firetower.worker.sender import Sender

OpenSecrets = Callable[[Claim], Secrets]


async def deliver(
    claim: Claim, secrets: Secrets, sender: Sender, clock: Callable[[], datetime]
) -> Outcome:
    """Perform one try of an execution and return what is to be recorded, its secrets masked."""
    integration = claim.integration
    started_at = clock()
    body = render_body(claim.revision.definition, claim.event, integration, secrets)
    request = build_request(
        body,
        integration,
        secrets,
        webhook_id=claim.webhook_id,
        sent_at=started_at,
        version=__version__,
    )
    begun = time.monotonic()
    answer = await sender.send(request, integration.settings.timeout)
    spent = timedelta(seconds=time.monotonic() - begun)
    masked = Answer(
        status_code=answer.status_code,
        error=None if answer.error is None else secrets.mask(answer.error),
        body=secrets.mask(answer.body),
        retry_after=answer.retry_after,
    )
    verdict = judge(
        masked,
        retries_used=claim.retries_used,
        schedule=integration.settings.schedule,
        now=clock(),
        jitter=random.uniform(-1, 1),  # noqa: S311 - spreads load, hides nothing
    )
    recorded = record_request(request, integration, secrets)
    return Outcome(claim, recorded, masked, verdict, started_at, spent)


def refused(claim: Claim, error: FiretowerError, now: datetime) -> Outcome:
    """Return the outcome of a try whose request could not even be made."""
    answer = Answer(error=error.message)
    verdict = Verdict(Status.FAILED, reason=f"{error.message}. {error.hint}")
    nothing = RecordedRequest(url="", headers={}, body="")
    return Outcome(claim, nothing, answer, verdict, now, timedelta(0))
