"""Workers that share one PostgreSQL: deliveries a second of one, two and four."""

import os
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import data
from benchmarks.delivery import per_second, prepare
from benchmarks.endpoint import Endpoint, endpoint, worker
from benchmarks.table import Row, rate
from postgres import running_server

EVENTS, ROUNDS = 3_000, 3
WORKERS = (1, 2, 4)
PATIENCE = 60.0


def measure(folder: Path) -> list[Row]:
    """Server, endpoint and workers share the cores: more workers than cores cannot help."""
    rates: dict[int, list[float]] = {number: [] for number in WORKERS}
    with running_server() as server, endpoint() as receiver:
        url = server.get_uri()
        prepare(url, receiver.hook)
        for _ in range(ROUNDS):
            for number in WORKERS:
                rates[number].append(_deliver(url, receiver, number))
    best = {number: max(found) for number, found in rates.items()}
    cores = os.cpu_count() or 1
    return [
        rate(
            f"PostgreSQL, {number} workers : 1, on {cores} cores with server and endpoint",
            "requests",
            best[number],
            best[1],
            0.8,
        )
        for number in WORKERS[1:]
    ]


def _deliver(url: str, receiver: Endpoint, number: int) -> float:
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(worker(url, once=False))
        data.add_events(url, EVENTS, 1)
        deadline = time.monotonic() + PATIENCE
        arrivals: list[int] = []
        while len(arrivals) < EVENTS and time.monotonic() < deadline:
            time.sleep(0.1)
            arrivals += receiver.take()["arrivals"]
    return per_second({"arrivals": sorted(arrivals)}, EVENTS)
