"""Send a test request to an endpoint."""

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime

from firetower._version import __version__
from firetower.core.causes import webhook_id
from firetower.core.endpoints import Endpoint, EndpointKind, shown_proxy
from firetower.core.requests import Secrets, build_request, record_answer
from firetower.core.retry import Answer
from firetower.core.text import instant
from firetower.delivery.client import open_client, send
from firetower.delivery.environment import find_proxy, read_proxies


@dataclass(frozen=True, slots=True)
class EndpointTest:
    """The result of a test request."""

    answer: Answer
    """With secrets masked."""
    duration_ms: float
    proxy: str | None = None
    """The proxy it went through, without its password."""


def send_test(endpoint: Endpoint, opened: Secrets, now: datetime) -> EndpointTest:
    """Send a sample to an endpoint, enabled or not; `opened` holds the secrets granted to it."""
    return asyncio.run(_send(endpoint, opened, now))


async def _send(endpoint: Endpoint, opened: Secrets, now: datetime) -> EndpointTest:
    request = build_request(
        _sample(endpoint, now),
        endpoint,
        opened,
        webhook_id=webhook_id(secrets.token_hex(16), None),
        sent_at=now,
        version=__version__,
    )
    async with open_client() as client:
        began = time.monotonic()
        answer = await send(client, request, endpoint.settings.timeout)
        duration_ms = (time.monotonic() - began) * 1_000
    proxies = read_proxies()
    proxy = request.proxy or find_proxy(request.url, proxies)
    shown = None if proxy is None else shown_proxy(proxy)
    hidden = opened.hiding(request.proxy, *proxies.values())
    return EndpointTest(record_answer(answer, hidden), duration_ms, shown)


def _sample(endpoint: Endpoint, now: datetime) -> str:
    if endpoint.settings.kind is EndpointKind.SLACK:
        return json.dumps({"text": "Firetower: this endpoint works."})
    sample = {"type": "TEST", "timestamp": instant(now), "data": {"endpoint": endpoint.name}}
    return json.dumps(sample)
