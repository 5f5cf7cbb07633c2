"""What a worker that is killed leaves behind is done by the next one."""

import random
import signal
import subprocess
import time
from pathlib import Path

import firetower
from firetower.core.executions import Status
from receiver import Receiver, serve
from towers import COMMAND, environment, every_execution, linked_model, on_alias, run, webhook

EVENTS = 500
KILLS = 6
SEED = 20_260


def test_a_worker_killed_at_random_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    database = str(tmp_path / "tower.db")
    with serve() as receiver, firetower.connect(database) as tower:
        webhook(tower, "ci", receiver.url(), max_in_flight=8)
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        for number in range(EVENTS):
            tower.add_alias(version, f"alias-{number}")
        for kill in range(KILLS):
            _run_and_kill(database, receiver, EVENTS * (kill + 1) // (KILLS + 2), chance)
        finished = run(database, "worker", "--once")
        assert finished.returncode == 0, finished.stderr
        executions = every_execution(tower)
        _check(executions, receiver)


def _run_and_kill(database: str, receiver: Receiver, arrivals: int, chance: random.Random) -> None:
    process = subprocess.Popen(
        [COMMAND, "worker"],
        env=environment(database),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        receiver.wait_for(arrivals)
        time.sleep(chance.uniform(0, 0.03))  # the random point at which it dies
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _check(executions: "list[firetower.core.executions.Execution]", receiver: Receiver) -> None:
    assert len(executions) == EVENTS
    assert {execution.status for execution in executions} == {Status.FINISHED}
    assert len({execution.event.id for execution in executions}) == EVENTS
    sent = {execution.webhook_id: execution.event.alias for execution in executions}
    received = {request.headers["webhook-id"] for request in receiver.requests}
    assert received == set(sent)
    for request in receiver.requests:
        alias = sent[request.headers["webhook-id"]]
        assert f'"alias":"{alias}"'.encode() in request.body
