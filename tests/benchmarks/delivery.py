"""Delivery: requests a second with every try recorded, against a bare client."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

import firetower
from benchmarks import data
from benchmarks.endpoint import Endpoint, endpoint, worker
from benchmarks.table import Row, rate
from firetower.core.actions import WebhookAction
from firetower.core.automations import Definition
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope

EVENTS, IN_FLIGHT, ROUNDS = 3_000, 32, 5
_OWN_HEADERS = {"host", "content-length", "connection"}


def measure(folder: Path) -> list[Row]:
    source, copy = folder / "source.db", folder / "copy.db"
    ours, reference = [], []
    with endpoint() as receiver:
        prepare(source, receiver.hook)
        data.add_events(source, EVENTS, 1)
        for _ in range(ROUNDS):
            for ending in ("", "-wal", "-shm"):
                copy.with_name(copy.name + ending).unlink(missing_ok=True)
            shutil.copy(source, copy)
            with worker(str(copy), once=True):
                pass
            sent = receiver.take()
            ours.append(per_second(sent))
            _send_bare(receiver, sent)
            reference.append(per_second(receiver.take()))
    return [rate("delivery, 32 in flight", "requests", max(ours), max(reference), 0.5)]


def prepare(path: Path | str, url: str) -> None:
    """Make a database with one automation, which calls `url` for each added alias."""
    data.make_catalog(path, 1, 1)
    with firetower.connect(str(path)) as tower:
        settings = EndpointSettings(
            name="ci", kind=EndpointKind.WEBHOOK, url=url, max_in_flight=IN_FLIGHT
        )
        tower.endpoints.create(settings)
        tower.automations.create(
            Definition(
                name="deploy",
                scope=ContainerScope(container=ContainerReference.registry("reg-0")),
                event_type=EventType.ADD_ARTIFACT_ALIAS,
                action=WebhookAction(endpoint="ci"),
            )
        )


def per_second(taken: dict[str, Any], count: int = EVENTS) -> float:
    """Return the rate from the first arrival to the last: starting up is not delivery."""
    arrivals = taken["arrivals"]
    assert len(arrivals) == count
    return float((count - 1) / ((arrivals[-1] - arrivals[0]) / 1e9))


def _send_bare(receiver: Endpoint, like: dict[str, Any]) -> None:
    given = json.dumps({"url": receiver.hook, **like, "arrivals": None})
    subprocess.run([sys.executable, __file__], input=given, text=True, check=True, env=_path())


def _path() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


async def _bare(like: dict[str, Any]) -> None:
    left = iter(range(EVENTS))
    headers = {k: v for k, v in like["headers"].items() if k.lower() not in _OWN_HEADERS}
    body = like["body"].encode()
    async with httpx.AsyncClient(
        transport=AiohttpTransport(limits=httpx.Limits(max_connections=IN_FLIGHT)),
        timeout=None,
        trust_env=False,
    ) as client:

        async def send() -> None:
            for _ in left:
                answer = await client.post(like["url"], headers=headers, content=body)
                assert answer.status_code == 200

        await asyncio.gather(*(send() for _ in range(IN_FLIGHT)))


if __name__ == "__main__":
    asyncio.run(_bare(json.load(sys.stdin)))
