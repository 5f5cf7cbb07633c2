"""What an idle worker leaves undone: cycles that its own changes woke."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from firetower.core.matching import Decision
from firetower.core.runs import HEARTBEAT_INTERVAL as RUN_INTERVAL
from firetower.delivery.client import open_client
from firetower.store.changes import Change
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.crossings import Evaluated, evaluate_metrics
from firetower.store.queue.evaluate import evaluate
from firetower.store.store import Store
from firetower.store.watch import Waker
from firetower.store.workers import HEARTBEAT_INTERVAL
from firetower.tower import Tower
from firetower.worker.worker import Worker
from receiver import serve
from towers import linked_model, on_alias, webhook

_MOST_STATEMENTS = 25
"""What SQLite runs for a heartbeat, which an idle worker sends each five seconds, and the cycle
that it wakes."""


def test_only_the_changes_of_others_answers_and_time_make_a_cycle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Store.open(str(tmp_path / "tower.db"))) as store:
        asyncio.run(_turn(store, monkeypatch))


async def _turn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(change: Change, cache: AutomationCache, limit: int) -> tuple[bool, list[Decision]]:
        calls.append(change)
        return evaluate(change, cache, limit)

    def unfinished(*_: object, **__: object) -> Evaluated:
        return Evaluated(more=True)

    monkeypatch.setattr("firetower.worker.worker.evaluate", counted)
    now = store.clock()
    store.clock = lambda: now  # or a heartbeat would be due on a slow machine
    async with open_client() as client:
        worker = Worker(store, client, lambda _: None, lambda _: None)
        worker._loop, worker._waker = asyncio.get_running_loop(), Waker()

        def cycles() -> int:
            calls.clear()
            worker._cycle()
            worker._cycle()
            return len(calls)

        other = Store.open(str(store.database.location))
        with serve() as receiver, closing(other), closing(worker._waker):
            tower = Tower(other)
            assert cycles() == 1  # the first heartbeat
            webhook(tower, "ci", receiver.url())
            version = linked_model(tower)
            on_alias(tower, "deploy", "ci")
            assert cycles() == 1
            assert cycles() == 0
            tower.add_alias(version, "production")
            [claim] = worker._cycle().claims
            assert claim.event.alias == "production"
            assert cycles() == 0
            store.clock = lambda: now + HEARTBEAT_INTERVAL
            assert cycles() == 1
            store.clock = lambda: now + 2 * HEARTBEAT_INTERVAL
            run, by_sqlalchemy = _statements(store, cycles)
            assert run <= _MOST_STATEMENTS
            assert by_sqlalchemy == 0
            store.clock = lambda: now - RUN_INTERVAL  # it was set back
            assert cycles() == 1
            assert worker._runs_judged_from > time.monotonic()
            calls.clear()
            monkeypatch.setattr("firetower.worker.worker.BATCH", 1)
            tower.add_alias(version, "a", "b")
            assert [worker._step(patient=True) for _ in range(2)] == [0, 0]
            assert worker._step(patient=True) > 0
            assert len(calls) == 3
            monkeypatch.setattr("firetower.worker.worker.evaluate_metrics", unfinished)
            store.clock = lambda: now
            assert worker._step(patient=True) == 0
            monkeypatch.setattr("firetower.worker.worker.evaluate_metrics", evaluate_metrics)
            assert cycles() == 1


def _statements(store: Store, cycles: Callable[[], int]) -> tuple[int, int]:
    """Return how many statements SQLite runs for a heartbeat, and how many of them SQLAlchemy."""
    said: list[str] = []
    by_sqlalchemy: list[object] = []
    with store.reading() as reader:  # the connection that the cycle takes next
        connection: Any = reader.connection.connection.dbapi_connection
    connection.set_trace_callback(said.append)

    def note(*_: object) -> None:
        by_sqlalchemy.append(_)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert cycles() == 1
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        connection.set_trace_callback(None)
    return len(said), len(by_sqlalchemy)
