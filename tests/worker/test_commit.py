"""Requests are made ready while their claims are committed, and sent by that commit alone."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from firetower.core.errors import StoreError
from firetower.core.executions import Status
from firetower.core.feed import FeedLine
from firetower.delivery import client as client_module
from firetower.delivery.client import open_client
from firetower.store import schema
from firetower.store.changes import Change
from firetower.store.queue.claim import claim_due
from firetower.store.store import Store
from firetower.tower import Tower
from firetower.worker import worker as worker_module
from firetower.worker.worker import Worker
from receiver import serve
from towers import linked_model, on_alias, webhook
from waiting import TIMEOUT, wait_until


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


def test_commits_that_were_taken_but_not_answered_are_not_repeated(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, said, lost = list[FeedLine](), list[str](), set[tuple[str, int]]()
    changing = store.changing
    worker: Worker

    @contextmanager
    def unanswered() -> Iterator[Change]:
        """Take the first commit of each claim and result without an answer."""
        with changing() as change:
            yield change
        found = {("claim", claim.number) for claim in worker._uncommitted}
        found |= {("result", result.claim.number) for result in worker._results}
        if worker._heartbeat_at and not found <= lost:
            lost.update(found)
            raise StoreError("the database was lost", "Look whether it was saved.")

    async def work() -> None:
        nonlocal worker
        async with open_client() as client:
            worker = Worker(store, client, lines.append, said.append)
            running = asyncio.create_task(worker.run())
            await asyncio.to_thread(wait_until, lambda: len(lines) >= 4, "four lines")
            monkeypatch.setattr(store, "changing", changing)
            worker.stop()
            await running

    monkeypatch.setattr(worker_module, "RETRY_DELAY", 0.01)
    with serve() as receiver:
        receiver.answer = lambda _: (503, {}, b"")
        tower = Tower(store)
        webhook(tower, "ci", receiver.url(), schedule=(timedelta(milliseconds=20),) * 3)
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "production")
        monkeypatch.setattr(store, "changing", unanswered)
        asyncio.run(work())
        execution, attempts = tower.executions.get(1)
        assert (execution.status, len(attempts)) == (Status.FAILED, 4)
        assert len(receiver.requests) == 4
        assert {attempt.status_code for attempt in attempts} == {503}
    assert [line.execution.attempts for line in lines] == [1, 2, 3, 4]
    claims, results = ({(what, number) for number in (2, 3, 4)} for what in ("claim", "result"))
    assert lost == claims | results | {("result", 1)}
    assert all("was lost" in one for one in said)
    with store.reading() as reader:
        failures = select(schema.circuits.c.failures)
        assert reader.connection.execute(failures).scalars().all() == [4]
