"""Forgetting the past beside workers that fire and deliver: nothing that waits is lost."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select, update

import firetower
from faults.conftest import SQLITE_IN_SHORT, Count
from faults.invariants import check, gather
from faults.processes import start_logger, start_worker, wait_for_peace
from firetower.core.executions import Status
from firetower.store import schema
from firetower.store.columns import EPOCH
from firetower.store.schema import has_status
from firetower.store.store import Store
from receiver import Received, serve
from towers import COMMAND, environment, linked_model, on_alias, run, webhook
from waiting import TIMEOUT, wait_until

OLD, WAITING = 250, 4
"""More are old than one batch; fewer wait for another try than would open the circuit."""
_executions = schema.executions.c


def _make_old(database: str) -> None:
    """Let what has happened so far be of 1970, with what became of it."""
    with _changing(database) as connection:
        connection.execute(update(schema.events).values(recorded_at=EPOCH))
        ended = _executions.finished_at.is_not(None)
        connection.execute(update(schema.executions).where(ended).values(finished_at=EPOCH))
        waiting = select(func.count()).where(has_status(Status.PENDING))
        assert connection.execute(waiting).scalar_one() == WAITING


def _make_due(database: str) -> None:
    with _changing(database) as connection:
        waiting = update(schema.executions).where(has_status(Status.PENDING))
        assert connection.execute(waiting.values(next_attempt_at=EPOCH)).rowcount >= WAITING


@contextmanager
def _changing(database: str) -> Iterator[Connection]:
    store = Store.open(database)
    try:
        with store.changing() as change:
            yield change.connection
    finally:
        store.close()


@pytest.mark.timeout(300)
@SQLITE_IN_SHORT
def test_pruning_beside_a_worker_loses_nothing_that_waits(database_url: str, count: Count) -> None:
    old = [f"old-{number}" for number in range(OLD)]
    late = [f"late-{number}" for number in range(WAITING)]
    refused = set(late)

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        return (503 if json.loads(request.body)["data"]["alias"] in refused else 200), {}, b""

    with serve() as receiver:
        receiver.answer = answer
        with firetower.connect(database_url) as tower:
            webhook(tower, "ci", receiver.url(), max_in_flight=8, schedule=(timedelta(hours=1),))
            version = linked_model(tower)
            on_alias(tower, "deploy", "ci")
            for alias in (*old, *late):
                tower.add_alias(version, alias)
        assert run(database_url, "worker", "--once").returncode == 0
        refused.clear()
        _make_old(database_url)
        with (
            start_worker(database_url) as worker,
            start_logger(database_url, version, 0, pause=0.005) as logger,
        ):
            # More than are under way at a time: the newest attempt, which stays, is of a new event.
            receiver.wait_for(OLD + WAITING + 20)
            prune = subprocess.Popen(
                [COMMAND, "database", "prune", "--older-than", "1d", "--yes"],
                env=environment(database_url),
                stderr=subprocess.PIPE,
                text=True,
            )
            _, said = prune.communicate(timeout=TIMEOUT)
            assert prune.returncode == 0, said
            seen = len(logger.acknowledged)
            wait_until(lambda: len(logger.acknowledged) > seen + 20, "the script to go on")
            logger.kill()
            _make_due(database_url)
            wait_for_peace(database_url)
            assert worker.lives, worker.said
        kept = [request for request in receiver.requests if b"old-" not in request.body]
        evidence = gather(database_url, [*late, *logger.acknowledged], kept)
        assert not set(old) & set(evidence.events)
        check(evidence)
        count(pruned=OLD, executions=len(evidence.executions))
