"""What programs that are killed leave behind is done by the next one."""

import contextlib
import random
import time
from pathlib import Path

import pexpect
import pytest

import firetower
from faults.conftest import POSTGRESQL_IN_SHORT, Count
from faults.invariants import check, gather
from faults.processes import (
    start_logger,
    start_worker,
    wait_for_peace,
)
from receiver import Receiver, serve
from towers import COMMAND, environment, linked_model, on_alias, run, webhook
from waiting import wait_until

EVENTS = 120
KILLS = 2


def _prepare(database: str, receiver: Receiver, automations: int = 1) -> str:
    with firetower.connect(database) as tower:
        webhook(tower, "ci", receiver.url(), max_in_flight=8)
        version = linked_model(tower)
        for number in range(automations):
            on_alias(tower, f"deploy-{number}", "ci")
    return version


def _work_to_the_end(database: str) -> None:
    finished = run(database, "worker", "--once")
    assert finished.returncode == 0, finished.stderr


def test_a_worker_killed_at_random_loses_nothing_and_doubles_nothing(
    tmp_path: Path, chance: random.Random, rounds: int, count: Count
) -> None:
    database, events = str(tmp_path / "tower.db"), EVENTS * rounds
    with serve() as receiver:
        version = _prepare(database, receiver)
        aliases = [f"alias-{number}" for number in range(events)]
        with firetower.connect(database) as tower:
            for alias in aliases:
                tower.add_alias(version, alias)
        kills = KILLS * rounds
        for kill in range(kills):
            with start_worker(database):
                receiver.wait_for(events * (kill + 1) // (kills + 2))
                time.sleep(chance.uniform(0, 0.03))  # the random point at which it dies
        _work_to_the_end(database)
        check(gather(database, aliases, receiver.requests))
        count(kills=kills, executions=events)


def test_a_script_killed_while_it_logs_keeps_what_was_acknowledged(
    tmp_path: Path, chance: random.Random, rounds: int, count: Count
) -> None:
    database, acknowledged = str(tmp_path / "tower.db"), list[str]()
    kills = 2 * rounds
    with serve() as receiver:
        version = _prepare(database, receiver)
        with start_worker(database):
            for kill in range(kills):
                with start_logger(database, version, 100_000 * kill, pause=0) as logger:
                    wanted = chance.randint(20, 120)
                    wait_until(lambda: len(logger.acknowledged) >= wanted, "the script to log")  # noqa: B023
                acknowledged += logger.acknowledged
            wait_for_peace(database)
        check(gather(database, acknowledged, receiver.requests))
        count(kills=kills, executions=len(acknowledged))


@pytest.mark.slow
@pytest.mark.timeout(300)
@POSTGRESQL_IN_SHORT
def test_many_workers_killed_and_started_anew_share_one_database(
    database_url: str, chance: random.Random, rounds: int, count: Count
) -> None:
    kills = 3 * rounds
    with serve() as receiver:
        version = _prepare(database_url, receiver, automations=2)
        workers = [start_worker(database_url) for _ in range(3)]
        try:
            with start_logger(database_url, version, 0) as logger:
                for _ in range(kills):
                    _after_more(receiver, chance.randint(20, 80))
                    place = chance.randrange(len(workers))
                    workers[place].end()
                    workers[place] = start_worker(database_url)
                _after_more(receiver, 40)
            wait_for_peace(database_url)
        finally:
            for worker in workers:
                worker.end()
        evidence = gather(database_url, logger.acknowledged, receiver.requests)
        check(evidence)
        count(kills=kills, executions=len(evidence.executions))


def _after_more(receiver: Receiver, arrivals: int) -> None:
    receiver.wait_for(len(receiver.requests) + arrivals)


@pytest.mark.slow
def test_an_app_killed_on_its_terminal_leaves_its_work_to_the_next(
    tmp_path: Path, chance: random.Random, rounds: int, count: Count
) -> None:
    database, kills = str(tmp_path / "tower.db"), rounds
    with serve() as receiver:
        version = _prepare(database, receiver)
        with start_logger(database, version, 0, pause=0.005) as logger:
            for _ in range(kills):
                _open_and_kill(database, tmp_path, receiver, chance)
        _work_to_the_end(database)
        check(gather(database, logger.acknowledged, receiver.requests))
        count(kills=kills, executions=len(logger.acknowledged))


def _open_and_kill(database: str, folder: Path, receiver: Receiver, chance: random.Random) -> None:
    env = environment(database, TERM="xterm-256color", XDG_CONFIG_HOME=str(folder))
    app = pexpect.spawn(COMMAND, env=env, dimensions=(24, 80))
    wanted = len(receiver.requests) + chance.randint(20, 80)
    try:

        def working() -> bool:
            with contextlib.suppress(pexpect.TIMEOUT):
                app.read_nonblocking(65_536, timeout=0.02)
            return len(receiver.requests) >= wanted

        wait_until(working, "the app's worker")
    finally:
        app.kill(9)
        app.close()
