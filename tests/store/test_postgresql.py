"""What a team's PostgreSQL is spared: connections, long transactions, turns without work."""

import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

import firetower
from faults.processes import wait_until
from firetower.store.migrate import _MIGRATION_LOCK
from receiver import Received, serve
from towers import COMMAND, environment, linked_model, on_alias, webhook, worker

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

OF_A_WORKER, OF_A_TOWER = 2, 3
"""Connections: one to work and one to listen; a program that follows reads in that thread too."""
LONG = 2.0
"""Seconds that no transaction lasts, and twice what none lies idle."""

SLEEPER = """
import sys
from firetower.worker import run, worker
worker._LONGEST_SLEEP = 600
run.run_worker(sys.argv[1], once=False, emit=print, report=print)
"""
"""A worker that hardly looks by itself."""
ACTIVITY = """
SELECT application_name, state, extract(epoch FROM clock_timestamp() - state_change),
  extract(epoch FROM clock_timestamp() - xact_start)
FROM pg_stat_activity WHERE datname = 'tower' AND pid <> pg_backend_pid()
"""


def named(url: str, program: str) -> str:
    return f"{url}&application_name={program}"


def asked(connection: psycopg.Connection[Any], query: str, *values: object) -> int:
    row = connection.execute(query, values or None).fetchone()
    assert row is not None
    return int(row[0])


@dataclass
class Samples:
    """What pg_stat_activity showed, looked at again and again."""

    most: Counter[str] = field(default_factory=Counter)
    long: list[Any] = field(default_factory=list)
    count: int = 0

    def take(self, connection: psycopg.Connection[Any]) -> None:
        rows = connection.execute(ACTIVITY).fetchall()
        self.count += 1
        self.most |= Counter(program for program, *_ in rows)
        for program, state, unchanged, lasted in rows:
            idle = state == "idle in transaction" and unchanged > LONG / 2
            if idle or (lasted is not None and lasted > LONG):
                self.long.append((program, state, unchanged, lasted))


@contextmanager
def sampling(url: str) -> Iterator[Samples]:
    samples, ended = Samples(), threading.Event()

    def run() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not ended.wait(0.01):
                samples.take(connection)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def test_programs_hold_few_connections_and_no_transaction_while_they_wait(
    database_url: str,
) -> None:
    held = threading.Event()

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        if b"last" in request.body:
            held.wait(30)
        return 200, {}, b"ok"

    with ExitStack() as stack:
        receiver = stack.enter_context(serve())
        receiver.answer = answer
        samples = stack.enter_context(sampling(database_url))
        tower = stack.enter_context(firetower.connect(named(database_url, "tower")))
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        stack.enter_context(worker(named(database_url, "worker")))
        stack.callback(held.set)
        changes = tower.executions.changes(wait=0.05)
        stack.callback(changes.close)  # type: ignore[attr-defined]  # an iterator to its callers
        next(changes)
        for number in range(40):
            tower.add_alias(version, f"alias-{number}")
            next(changes)
        tower.add_alias(version, "last")
        receiver.wait_for(41)
        enough = samples.count + 100  # a second and more, while an answer is waited for
        wait_until(lambda: next(changes) is None and samples.count > enough, "samples")
        assert samples.long == []
        assert 1 < samples.most["worker"] <= OF_A_WORKER
        assert 1 < samples.most["tower"] <= OF_A_TOWER


def test_programs_are_named_to_who_looks_after_the_server(database_url: str) -> None:
    with firetower.connect(database_url) as tower, psycopg.connect(database_url) as connection:
        tower.registries()
        named = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'firetower'"
        assert asked(connection, named) == 1


def test_a_worker_without_work_lets_the_database_rest(database_url: str) -> None:
    with worker(database_url), psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("LISTEN firetower")
        said = list(connection.notifies(timeout=4.5))
        assert 1 <= len(said) <= 4, "two beats, and nothing that wakes the others between them"


def test_a_change_wakes_a_worker_of_another_process_at_once(database_url: str) -> None:
    arguments = [sys.executable, "-c", SLEEPER, named(database_url, "sleeper")]
    listens = """
        SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'sleeper' AND query LIKE 'LISTEN%'
    """
    spent = []
    with ExitStack() as stack:
        receiver = stack.enter_context(serve())
        tower = stack.enter_context(firetower.connect(database_url))
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        process = stack.enter_context(
            subprocess.Popen(arguments, stdout=subprocess.DEVNULL, env=environment(database_url))
        )
        stack.callback(process.terminate)
        connection = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        wait_until(lambda: asked(connection, listens) == 1, "the worker to listen")
        for number in range(15):
            begun = time.monotonic()
            tower.add_alias(version, f"alias-{number}")
            receiver.wait_for(number + 1)
            spent.append(time.monotonic() - begun)
    assert statistics.median(spent) < 0.25, "a quarter of the second after which others look"


def test_programs_that_start_at_once_on_an_empty_database_wait_for_one_another(
    database_url: str, postgresql: Any
) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND objid = %s"
    with ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(postgresql.get_uri(), autocommit=True))
        connection.execute("DROP DATABASE IF EXISTS empty WITH (FORCE)")
        connection.execute("CREATE DATABASE empty")
        stack.callback(connection.execute, "DROP DATABASE empty WITH (FORCE)")
        url = postgresql.get_uri("empty")
        with psycopg.connect(url) as first:
            first.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            programs = [
                subprocess.Popen(
                    [COMMAND, "registry", "create", f"models-{number}"],
                    env=environment(url),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                for number in range(2)
            ]
            wait_until(
                lambda: asked(connection, waiting, _MIGRATION_LOCK) == 2, "both to want to migrate"
            )
        said = [program.communicate(timeout=60)[1] for program in programs]
        assert [program.returncode for program in programs] == [0, 0], said
        with firetower.connect(url) as tower:
            names = [str(registry.reference) for registry in tower.registries()]
        assert names == ["models-0", "models-1"]
