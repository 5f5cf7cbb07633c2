"""A healthy endpoint's latency beside endpoints that hang and names that are never found."""

import socket
import time
from datetime import timedelta
from pathlib import Path

import firetower
from benchmarks.delivery import prepare
from benchmarks.endpoint import Endpoint, endpoint, worker
from benchmarks.table import Row, quantile
from firetower.core.actions import WebhookAction
from firetower.core.automations import Definition
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.events import EventType
from firetower.core.filters.filter import regex_filter
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope

HANGING, DEAD = 80, 8
FIRST, EVERY = 16, 25
"""Events at the start for those that hang, as many as each has in flight; then one in so many."""
CALLS, PAUSE, ROUNDS = 200, 0.02, 3
MOST = 1.5


def measure(folder: Path) -> list[Row]:
    """Measure without and with them in turn; best of each."""
    alone, beside = folder / "alone.db", folder / "beside.db"
    with endpoint() as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        for path in (alone, beside):
            prepare(path, receiver.hook)
        _add_neighbours(beside, receiver)
        taken: dict[Path, list[float]] = {alone: [], beside: []}
        for turn in range(ROUNDS):
            for path, found in taken.items():
                with worker(str(path), once=False, name_server=silent.getsockname()[1]):
                    found.append(_p95(path, receiver, turn))
    ours, reference = min(taken[beside]), min(taken[alone])
    name = f"p95 beside {HANGING} hanging endpoints, {DEAD} dead names"
    said = f"{reference:.1f} ms without them"
    aim = f"ratio ≤ {MOST}"
    ratio = ours / reference
    return [Row(name, f"{ours:.1f} ms", said, ratio, aim, ratio <= MOST)]


def _add_neighbours(path: Path, receiver: Endpoint) -> None:
    urls = [f"{receiver.hanging}?{number}" for number in range(HANGING)]
    urls += [f"http://dead-{number}.example.com/" for number in range(DEAD)]
    with firetower.connect(str(path)) as tower:
        for number, url in enumerate(urls):
            settings = EndpointSettings(
                name=f"other-{number}",
                kind=EndpointKind.WEBHOOK,
                url=url,
                timeout=timedelta(minutes=5),
            )
            tower.endpoints.create(settings)
            tower.automations.create(
                Definition(
                    name=f"other-{number}",
                    scope=ContainerScope(container=ContainerReference.registry("reg-0")),
                    event_type=EventType.ADD_ARTIFACT_ALIAS,
                    filter=regex_filter("^hang-", None, None),
                    action=WebhookAction(endpoint=f"other-{number}"),
                )
            )


def _p95(path: Path, receiver: Endpoint, turn: int) -> float:
    """Return the milliseconds from a call to the arrival of its request at the healthy one."""
    version = "reg-0/col-0:v0"
    begun: list[int] = []
    with firetower.connect(str(path)) as tower:
        tower.add_alias(version, *(f"hang-{turn}-{number}" for number in range(FIRST)))
        time.sleep(3)
        receiver.take()
        for number in range(CALLS):
            begun.append(time.monotonic_ns())
            name = "hang" if number % EVERY == EVERY - 1 else "prod"
            tower.add_alias(version, f"{name}-{turn}-call-{number}")
            time.sleep(PAUSE)
        time.sleep(1)
    arrivals = receiver.take()["arrivals"]
    assert len(arrivals) == CALLS
    waits = [(there - here) / 1e6 for here, there in zip(begun, arrivals, strict=True)]
    return quantile(waits, 0.95)
