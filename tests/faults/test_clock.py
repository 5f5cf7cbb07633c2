"""A clock that steps an hour forward and back, and by days, under workers at work."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from faults.conftest import Count
from faults.invariants import check, gather
from faults.processes import wait_for_peace
from firetower.core.circuit_breaker import FAILURES_TO_OPEN
from firetower.core.runs import RunState
from firetower.delivery.client import open_client
from firetower.store import workers
from firetower.store.store import Store, utc_now
from firetower.store.workers import list_workers
from firetower.tower import Tower
from firetower.worker import worker as worker_module
from firetower.worker.worker import Worker
from receiver import Received, serve
from towers import linked_model, on_alias, webhook
from waiting import wait_until

HOUR = timedelta(hours=1)
EVENTS = 20
"""At each step."""


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers send heartbeats every 0.1 s, for tests that wait for them."""
    monkeypatch.setattr(worker_module, "POLL_INTERVAL", 0.05)
    monkeypatch.setattr(workers, "HEARTBEAT_INTERVAL", timedelta(seconds=0.1))


@dataclass
class Clock:
    """The true time, and what is added to it."""

    step: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.step


@contextmanager
def _working(database: str, clock: Clock) -> Iterator[Worker]:
    """Run a worker by this clock in a thread."""
    store = Store.open(database, clock=clock)
    begun = threading.Event()
    said: list[str] = []
    kept: list[tuple[asyncio.AbstractEventLoop, Worker]] = []

    async def work() -> None:
        async with open_client() as client:
            worker = Worker(store, client, lambda _: None, said.append)
            kept.append((asyncio.get_running_loop(), worker))
            begun.set()
            await worker.run()

    thread = threading.Thread(target=asyncio.run, args=(work(),))
    thread.start()
    begun.wait()
    [(loop, worker)] = kept
    try:
        yield worker
    finally:
        loop.call_soon_threadsafe(worker.stop)
        thread.join()
        store.close()
    # After a step leases look expired: then the other worker may take an attempt over.
    expected = ("ended after its lease", "crashed: no heartbeat")
    assert [line for line in said if not any(map(line.__contains__, expected))] == []


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((1, 0), marks=pytest.mark.slow),
        pytest.param((-1, 0), marks=pytest.mark.slow),
        (1, -1, 0),
    ],
    ids=str,
)
def test_a_clock_that_steps_by_hours_loses_and_doubles_nothing(
    database_url: str, steps: tuple[int, ...], count: Count
) -> None:
    clock, aliases = Clock(), list[str]()
    store = Store.open(database_url, clock=clock)
    tower = Tower(store)
    failing = {f"alias-{EVENTS * number}" for number in range(len(steps) + 1)}
    assert len(failing) < FAILURES_TO_OPEN  # whatever else comes between them

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        """Fail one at each step, at its first try."""
        alias = json.loads(request.body)["data"]["alias"]
        if alias not in failing:
            return 200, {}, b"ok"
        failing.remove(alias)
        return 503, {}, b""

    with serve() as receiver:
        receiver.answer = answer
        webhook(tower, "ci", receiver.url(), max_in_flight=4)
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        with _working(database_url, clock), _working(database_url, clock):
            for hours in (0, *steps):
                clock.step = hours * HOUR
                before = len(receiver.requests)
                for _ in range(EVENTS):
                    aliases.append(f"alias-{len(aliases)}")
                    tower.add_alias(version, aliases[-1])
                receiver.wait_for(before + 1)
            tower.add_alias(version, "after-the-steps")
            wait_until(
                lambda: any(b"after-the-steps" in r.body for r in list(receiver.requests)),
                "what was recorded after the steps, which waits for none of them",
            )
            # What was put off by a clock that was ahead is due when the clock is there again.
            clock.step = HOUR + timedelta(minutes=1)
            wait_for_peace(database_url)
        store.close()
        check(gather(database_url, [*aliases, "after-the-steps"], receiver.requests, steady=False))
        count(clock_steps=len(steps), executions=len(aliases) + 1)


@pytest.mark.usefixtures("often")
def test_runs_get_time_to_report_after_the_clock_has_stepped(database_url: str) -> None:
    clock = Clock()
    tower = Tower(store := Store.open(database_url))
    tower.runs.start("acme/vision", id="alive")

    def heartbeat_after(moment: datetime) -> bool:
        with store.reading() as reader:
            return any(one.heartbeat_at > moment for one in list_workers(reader))

    def state() -> RunState:
        return tower.runs.state("acme/vision/alive")

    with _working(database_url, clock) as worker:
        begun = utc_now()
        wait_until(lambda: heartbeat_after(begun - HOUR), "the worker")
        clock.step = HOUR  # as of a machine that slept
        wait_until(lambda: heartbeat_after(begun + HOUR), "the worker's new time")
        assert state() is RunState.RUNNING
        worker._runs_judged_from = 0.0  # a minute later, and it has not reported
        wait_until(lambda: state() is RunState.CRASHED, "the run to crash")
    store.close()


@pytest.mark.usefixtures("often")
def test_a_worker_buried_alive_by_a_clock_days_ahead_signs_on_again(database_url: str) -> None:
    clock, ahead = Clock(), Clock(timedelta(days=3))
    store = Store.open(database_url)

    def ids() -> set[str]:
        with store.reading() as reader:
            return {worker.id for worker in list_workers(reader)}

    with _working(database_url, clock) as one:
        wait_until(lambda: ids() == {one.id}, "the first to sign on")
        with _working(database_url, ahead) as two:
            wait_until(lambda: ids() == {two.id}, "the first to be buried")
            wait_until(lambda: ids() == {one.id, two.id}, "the first to sign on again")
    store.close()
