"""A defect that strikes one request is said there, and stops nothing else."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

import firetower
from firetower.core.errors import StoreError
from firetower.core.executions import Status
from firetower.core.requests import Request
from firetower.core.retry import Answer
from firetower.delivery import client as client_module
from firetower.delivery.client import Client, open_client, send
from firetower.store.queue import evaluate as queue_evaluate
from firetower.store.store import Store
from firetower.worker import worker as worker_module
from firetower.worker.worker import Worker
from receiver import serve
from towers import linked_model, on_alias, webhook


def test_an_unforeseen_error_fails_its_own_attempt_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, times = str(tmp_path / "tower.db"), 2

    async def broken(client: Client, request: Request, *rest: Any) -> Answer:
        nonlocal times
        flawed = b'"alias":"bad"' in request.body
        if flawed or (b'"alias":"good"' in request.body and times):
            times -= not flawed
            raise ZeroDivisionError("a\x00b\ud800")
        return await send(client, request, *rest)

    async def work(store: Store) -> None:
        async with open_client() as client:
            monkeypatch.setattr(client_module, "send", broken)
            await Worker(store, client, lambda _: None, lambda _: None).run(once=True)

    with serve() as receiver, firetower.connect(database) as tower:
        webhook(tower, "ci", receiver.url(), schedule=(timedelta(),) * 2)
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "bad", "good")
        store = Store.open(database)
        asyncio.run(work(store))
        store.close()
        good, bad = sorted(tower.executions.newest(10), key=lambda e: e.status is Status.FAILED)
        assert (good.status, good.event.alias) == (Status.FINISHED, "good")
        assert (bad.status, bad.event.alias) == (Status.FAILED, "bad")
        assert (good.attempts, bad.attempts) == (3, 3)
        assert "ZeroDivisionError: a\ufffdb\ufffd" in str(bad.detail)
        assert tower.endpoints.find("ci").circuit is None


@pytest.mark.parametrize("error", [ZeroDivisionError, OSError, MemoryError, RecursionError])
def test_no_error_ends_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    database, said, failures = str(tmp_path / "tower.db"), list[str](), iter([error("odd")])
    evaluate = queue_evaluate.evaluate

    def broken(*arguments: Any) -> Any:
        for failure in failures:
            raise failure
        return evaluate(*arguments)

    def emit(_: object) -> None:
        raise BrokenPipeError

    async def work(store: Store) -> None:
        async with open_client() as client:
            worker = Worker(store, client, emit, said.append)
            running = asyncio.create_task(worker.run())
            await asyncio.to_thread(receiver.wait_for, 1)
            worker.stop()
            await running

    monkeypatch.setattr(worker_module, "evaluate", broken)
    monkeypatch.setattr(worker_module, "RETRY_DELAY", 0.01)
    with serve() as receiver, firetower.connect(database) as tower:
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "one")
        store = Store.open(database)
        asyncio.run(work(store))
        store.close()
        assert tower.executions.newest(1)[0].status is Status.FINISHED
    assert len(said) == 1
    assert f"{error.__name__}: odd" in said[0]


def test_what_two_found_is_told_once_until_both_find_it_well(tmp_path: Path) -> None:
    said = list[str]()
    gone = StoreError("the database is gone", "Put it back.")
    store = Store.open(str(tmp_path / "tower.db"))
    worker = Worker(store, cast("Client", None), lambda _: None, said.append)
    worker.report_problem("watch", gone)
    worker.report_problem("cycle", None)  # one that had begun before
    worker.report_problem("cycle", gone)
    for found_by in ("watch", "cycle"):
        assert said == ["the database is gone. Put it back."]
        worker.report_problem(found_by, None)
    worker.report_problem("cycle", gone)
    assert len(said) == 2
    store.close()
