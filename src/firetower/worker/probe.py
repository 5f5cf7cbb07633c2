"""Trying an endpoint out."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime

from firetower._version import __version__
from firetower.core.endpoints import Endpoint, EndpointKind
from firetower.core.events import instant
from firetower.core.requests import Secrets, build_request, record_answer
from firetower.core.retry import Answer
from firetower.store.queue.evaluate import new_webhook_id
from firetower.store.store import utc_now
from firetower.worker.sender import open_sender


def send_test(
    endpoint: Endpoint, secrets: Secrets, clock: Callable[[], datetime] = utc_now
) -> tuple[Answer, float]:
    """Send a sample to an endpoint, enabled or not.

    Return its answer, secrets masked, and the milliseconds it took.
    """
    return asyncio.run(_send(endpoint, secrets, clock()))


async def _send(endpoint: Endpoint, secrets: Secrets, now: datetime) -> tuple[Answer, float]:
    request = build_request(
        _sample(endpoint, now),
        endpoint,
        secrets,
        webhook_id=new_webhook_id(),
        sent_at=now,
        version=__version__,
    )
    async with open_sender() as sender:
        began = time.monotonic()
        answer = await sender.send(request, endpoint.settings.timeout)
        took = (time.monotonic() - began) * 1_000
    return record_answer(answer, secrets), took


def _sample(endpoint: Endpoint, now: datetime) -> str:
    if endpoint.settings.kind is EndpointKind.SLACK:
        return json.dumps({"text": "Firetower: this endpoint works."})
    sample = {"type": "TEST", "timestamp": instant(now), "data": {"endpoint": endpoint.name}}
    return json.dumps(sample)
