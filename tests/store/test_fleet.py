"""Several worker processes on one PostgreSQL share the work, and double none of it."""

import signal
import threading
from contextlib import ExitStack
from datetime import timedelta

import pytest

import firetower
from firetower.core.executions import Status
from receiver import Received, serve
from towers import every_execution, linked_model, on_alias, webhook, worker
from waiting import TIMEOUT

EVENTS, WORKERS, ROOM = 60, 3, 2


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_workers_on_one_postgresql_share_every_event_and_double_none(database_url: str) -> None:
    together = threading.Barrier(WORKERS * ROOM)
    first = threading.Semaphore(WORKERS * ROOM)

    def answer(_: Received) -> tuple[int, dict[str, str], bytes]:
        if first.acquire(blocking=False):  # held until every worker is at it with all its room
            together.wait(TIMEOUT)
        return 200, {}, b"ok"

    with ExitStack() as stack:
        receiver = stack.enter_context(serve())
        receiver.answer = answer
        tower = stack.enter_context(firetower.connect(database_url))
        webhook(tower, "ci", receiver.url(), max_in_flight=ROOM, timeout=timedelta(minutes=2))
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        workers = [stack.enter_context(worker(database_url)) for _ in range(WORKERS)]
        for number in range(EVENTS):
            tower.add_alias(version, f"alias-{number}")
        receiver.wait_for(EVENTS)
        for process in workers:
            process.send_signal(signal.SIGTERM)
        lines = [process.communicate(timeout=TIMEOUT)[0].splitlines() for process in workers]
        executions = every_execution(tower)

    assert [process.returncode for process in workers] == [0] * WORKERS
    assert {execution.status for execution in executions} == {Status.FINISHED}
    assert {execution.attempts for execution in executions} == {1}
    assert len({execution.event.id for execution in executions}) == len(executions) == EVENTS
    sent = [request.headers["webhook-id"] for request in receiver.requests]
    assert sorted(sent) == sorted(execution.webhook_id for execution in executions)
    assert all(len(done) >= ROOM for done in lines)
    assert sum(map(len, lines)) == EVENTS
