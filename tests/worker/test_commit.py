"""Requests are made ready while their claims are committed, and sent by that commit alone."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from firetower.core.executions import Status
from firetower.delivery import client as client_module
from firetower.delivery.client import open_client
from firetower.store.changes import Change
from firetower.store.queue.claim import claim_due
from firetower.store.store import Store
from firetower.tower import Tower
from firetower.worker import worker as worker_module
from firetower.worker.worker import Worker
from receiver import serve
from towers import linked_model, on_alias, webhook
from waiting import TIMEOUT


def test_a_commit_sends_and_one_that_fails_sends_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, ready = threading.Event(), threading.Event()
    sent_before_commits, said = list[int](), list[str]()
    changing = store.changing
    await_permit = client_module._Exchange.await_permit

    def claim(*given: Any, **named: Any) -> Any:
        claims, next_due_at = claim_due(*given, **named)
        if claims:
            claimed.set()
        return claims, next_due_at

    async def arrive(exchange: client_module._Exchange) -> None:
        ready.set()
        await await_permit(exchange)

    @contextmanager
    def slow() -> Iterator[Change]:
        with changing() as change:
            yield change
            if claimed.is_set():
                claimed.clear()
                assert ready.wait(TIMEOUT)
                ready.clear()
                sent_before_commits.append(len(receiver.requests))
                if len(sent_before_commits) == 1:
                    raise OSError("no space left on the disk")

    async def work() -> None:
        async with open_client() as client:
            worker = Worker(store, client, lambda _: None, said.append)
            running = asyncio.create_task(worker.run())
            await asyncio.to_thread(receiver.wait_for, 1)
            worker.stop()
            await running

    monkeypatch.setattr(worker_module, "claim_due", claim)
    monkeypatch.setattr(worker_module, "RETRY_DELAY", 0.01)
    monkeypatch.setattr(client_module._Exchange, "await_permit", arrive)
    with serve() as receiver:
        tower = Tower(store)
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "production")
        monkeypatch.setattr(store, "changing", slow)
        asyncio.run(work())
        [execution] = tower.executions.newest(10)
        assert (execution.status, execution.attempts) == (Status.FINISHED, 1)
        assert len(receiver.requests) == 1
    assert sent_before_commits == [0, 0]
    assert len(said) == 1
    assert "no space left on the disk" in said[0]
