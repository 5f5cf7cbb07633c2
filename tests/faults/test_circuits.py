"""Several workers at one endpoint that fails: its circuit is one for all of them."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

import firetower
from faults.conftest import POSTGRESQL_IN_SHORT, SQLITE_IN_SHORT
from faults.invariants import check, gather
from faults.processes import Program, start_worker, wait_for_peace, wait_for_workers
from firetower.core.circuit_breaker import FAILURES_TO_OPEN, CircuitChangeKind
from firetower.store import schema, worker_schema
from firetower.store.store import Store
from firetower.tower import Tower
from receiver import Received, Receiver, serve
from towers import linked_model, on_alias, webhook
from waiting import TIMEOUT, wait_until

QUICK_WORKER = """
from datetime import timedelta
from firetower.cli import main
from firetower.core import circuit_breaker
from firetower.store.queue import claim
circuit_breaker.FAILING_TO_OPEN = timedelta(seconds=0.5)
circuit_breaker.FIRST_PROBE_DELAY = timedelta(seconds=0.2)
circuit_breaker.LONGEST_PROBE_DELAY = timedelta(seconds=0.4)
claim.LEASE_MARGIN = timedelta(seconds=2)
main(["worker"])
"""
"""The worker, with circuits that take seconds where they take minutes."""


@dataclass
class Endpoint:
    """Fails until it is up, and notes how long each answer took; it can let probes hang."""

    up: threading.Event = field(default_factory=threading.Event)
    hangs: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    probes: list[tuple[float, float]] = field(default_factory=list)
    """When each first try of what was held began and ended, while it was down."""
    _seen: set[str] = field(default_factory=set)

    def answer(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        if self.up.is_set():
            return 200, {}, b"ok"
        probe = is_held(request) and request.headers["webhook-id"] not in self._seen
        self._seen.add(request.headers["webhook-id"])
        if probe and self.hangs.is_set():
            self.released.wait(TIMEOUT)
        time.sleep(0.05)  # long enough for a second probe to be seen beside it
        if probe:
            self.probes.append((request.at, time.monotonic()))
        return 503, {}, b"down"


def is_held(request: Received) -> bool:
    """Return whether it is of an execution made after the circuit had opened."""
    return bool(json.loads(request.body)["data"]["alias"].startswith("held"))


def start_quick_worker(database: str) -> Program:
    return start_worker(database, [sys.executable, "-c", QUICK_WORKER])


@dataclass
class Trial:
    """Two workers, and an endpoint whose circuit they have opened."""

    tower: Tower
    version: str
    receiver: Receiver
    endpoint: Endpoint
    workers: list[Program]
    aliases: list[str]

    def fire(self, *aliases: str) -> None:
        for alias in aliases:
            self.tower.add_alias(self.version, alias)
            self.aliases.append(alias)

    def turns(self) -> list[CircuitChangeKind]:
        return [one.kind for one in self.tower.endpoints.circuit_changes_since(0)]


@contextmanager
def opened(database: str) -> Iterator[Trial]:
    """Let two workers open a circuit."""
    endpoint = Endpoint()
    with serve() as receiver, firetower.connect(database) as tower:
        receiver.answer = endpoint.answer
        schedule = (timedelta(seconds=1),) * 60
        timeout = timedelta(seconds=3)
        webhook(tower, "ci", receiver.url(), schedule=schedule, timeout=timeout, max_in_flight=4)
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        workers = [start_quick_worker(database) for _ in range(2)]
        try:
            wait_for_workers(database, 2)
            trial = Trial(tower, version, receiver, endpoint, workers, [])
            trial.fire(*(f"first-{number}" for number in range(2 * FAILURES_TO_OPEN)))
            wait_until(lambda: trial.turns() == [CircuitChangeKind.OPENED], "the circuit to open")
            yield trial
        finally:
            endpoint.released.set()
            for worker in workers:
                worker.end()


def finish(trial: Trial, database: str) -> None:
    """Let the endpoint work again, and hold what happened to what is promised."""
    trial.endpoint.up.set()
    wait_for_peace(database)
    check(gather(database, trial.aliases, trial.receiver.requests))
    assert trial.turns() == [CircuitChangeKind.OPENED, CircuitChangeKind.CLOSED]
    assert trial.tower.endpoints.find("ci").circuit is None


@pytest.mark.slow
@POSTGRESQL_IN_SHORT
def test_two_workers_open_probe_and_close_a_circuit_once(database_url: str) -> None:
    with opened(database_url) as trial:
        trial.fire(*(f"held-{number}" for number in range(10)))
        wait_until(lambda: len(trial.endpoint.probes) >= 4, "some probes")
        assert trial.turns() == [CircuitChangeKind.OPENED]
        probes = sorted(trial.endpoint.probes)
        assert all(ended <= begun for (_, ended), (begun, _) in pairwise(probes))
        finish(trial, database_url)


@pytest.mark.slow
@pytest.mark.timeout(300)
@SQLITE_IN_SHORT
def test_a_worker_killed_with_the_probe_does_not_leave_it_stuck(database_url: str) -> None:
    with opened(database_url) as trial:
        trial.endpoint.hangs.set()
        trial.fire(*(f"held-{number}" for number in range(6)))
        wait_until(lambda: any(map(is_held, list(trial.receiver.requests))), "a probe")
        probe = next(one for one in list(trial.receiver.requests) if is_held(one))
        holder = holder_of(database_url, probe.headers["webhook-id"])
        [killed] = [worker for worker in trial.workers if worker.process.pid == holder]
        killed.kill()
        trial.endpoint.hangs.clear()
        trial.endpoint.released.set()
        before = len(trial.endpoint.probes)
        wait_until(lambda: len(trial.endpoint.probes) >= before + 3, "the next probes")
        finish(trial, database_url)


def holder_of(database: str, webhook_id: str) -> int:
    """Return the process that has claimed an execution."""
    workers, executions = worker_schema.workers.c, schema.executions.c
    store = Store.open(database)
    try:
        with store.reading() as reader:
            query = select(workers.pid).join_from(
                worker_schema.workers, schema.executions, executions.worker_id == workers.id
            )
            found = reader.connection.execute(query.where(executions.webhook_id == webhook_id))
            return int(found.scalar_one())
    finally:
        store.close()
