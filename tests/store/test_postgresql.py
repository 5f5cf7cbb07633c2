"""What a team's PostgreSQL is spared: connections, long transactions, turns without work."""

import math
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

import firetower
from firetower.core.errors import StoreError
from firetower.core.health import Health
from firetower.core.references import VersionReference
from firetower.store import follow
from firetower.store.catalog.labels import add_aliases
from firetower.store.doctor import examine
from firetower.store.migrate import _MIGRATION_LOCK
from firetower.store.store import Store
from firetower.store.watch import watch
from firetower.store.watched_connection import WatchedConnection
from firetower.store.workers import HEARTBEAT_INTERVAL
from firetower.tower import Tower
from postgres import create_database
from receiver import Received, serve
from store.bench import START, Bench
from towers import COMMAND, environment, linked_model, on_alias, webhook, worker
from waiting import TIMEOUT, wait_until

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

OF_A_WORKER, OF_A_TOWER = 2, 3
"""Connections: one to work and one to listen; a program that follows reads in that thread too."""

SLEEPER = """
import sys
from firetower.worker import run, worker
worker.POLL_INTERVAL = 600
run.run_worker(sys.argv[1], once=False, emit=print, report=print)
"""
"""A worker that hardly looks by itself."""
IN_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND xact_start IS NOT NULL
"""
NAMED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'firetower %'
"""
LISTENING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'
"""


def asked(connection: psycopg.Connection[Any], query: str, *values: object) -> int:
    row = connection.execute(query, values or None).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def limited(url: str, role: str, connections: int) -> Iterator[str]:
    """Make a role to which the server refuses more than so many connections at once."""
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {connections}"
            " IN ROLE pg_read_all_data, pg_write_all_data"
        )
        try:
            yield make_url(url).set(username=role).render_as_string(hide_password=False)
        finally:
            owner.execute(f"DROP ROLE {role}")


def test_waiting_programs_hold_few_connections_no_transaction(
    database_url: str,
) -> None:
    held = threading.Event()

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        if b"last" in request.body:
            held.wait(TIMEOUT)
        return 200, {}, b"ok"

    with ExitStack() as stack:
        receiver = stack.enter_context(serve())
        receiver.answer = answer
        server = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        of_worker = stack.enter_context(limited(database_url, "one_worker", OF_A_WORKER))
        of_tower = stack.enter_context(limited(database_url, "one_tower", OF_A_TOWER))
        tower = stack.enter_context(firetower.connect(of_tower))
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        process = stack.enter_context(worker(of_worker))
        stack.callback(held.set)
        changes = tower.executions.changes(wait=0.05)
        stack.callback(changes.close)  # type: ignore[attr-defined]  # an iterator to its callers
        next(changes)
        for number in range(40):
            tower.add_alias(version, f"alias-{number}")
            next(changes)
        tower.add_alias(version, "last")
        receiver.wait_for(41)
        wait_until(lambda: next(changes) is None, "nothing to change any more")
        for role in ("one_worker", "one_tower"):
            wait_until(lambda: asked(server, IN_TRANSACTION, role) == 0, "no transaction")  # noqa: B023
        held.set()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=TIMEOUT)
        assert len(said.splitlines()) == 1, said  # that it stopped; a refused connection before it


CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'firetower %'
"""


def test_follow_loses_and_repeats_nothing_when_the_database_fails(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_RETRY_DELAY", 0.01)
    bench = Bench(store)
    bench.automate(records=True)
    options = {"options": "-c lock_timeout=50ms"}
    impatient = make_url(database_url).update_query_dict(options)
    said: list[StoreError] = []
    lines: list[str] = []
    events: list[str] = []

    def happen(*aliases: str) -> None:
        for alias in aliases:
            bench.tower.add_alias(bench.version, alias)
            bench.turn()
        wait_until(lambda: lines[-1:] == events[-1:] == [aliases[-1]], "what happened")

    with (
        firetower.connect(impatient.render_as_string(hide_password=False)) as tower,
        psycopg.connect(database_url, autocommit=True) as server,
        ThreadPoolExecutor(2) as threads,
    ):
        following = tower.executions.follow(on_failure=said.append)
        next(following)
        [newest] = tower.events.newest(1)
        arriving = tower.events.follow(newest.id, on_failure=said.append)

        def follow_lines() -> None:
            while "last" not in lines:
                lines.extend(str(line.execution.event.alias) for line in next(following))

        def follow_the_events() -> None:
            while "last" not in events:
                events.extend(str(event.alias) for event in next(arriving))

        ended = [threads.submit(follow_lines), threads.submit(follow_the_events)]
        happen("first")
        server.execute(CUT)
        happen("cut")
        assert len(said) == 2, said
        with server.transaction():
            server.execute("LOCK TABLE executions, events")
            bench.tower.create_registry("wakes")
            wait_until(lambda: len(said) == 4, "both to meet the lock")
        happen("unlocked", "last")
        for one in ended:
            one.result(TIMEOUT)
    assert len(said) == 4, said
    assert lines == events == ["first", "cut", "unlocked", "last"]


def test_event_that_commits_after_a_later_one_is_followed(database_url: str) -> None:
    store = Store.open(database_url, author="ada")
    tower = Tower(store)
    linked_model(tower)
    arriving = tower.events.follow(tower.events.newest(1)[0].id, wait=TIMEOUT)
    with store.changing() as change:
        add_aliases(change, VersionReference.parse("acme/vision/resnet:v0"), ["first"])
        tower.add_alias("models/resnet:v0", "second")
        assert [event.alias for event in next(arriving)] == ["second"]
    assert [event.alias for event in next(arriving)] == ["first"]
    store.close()


def test_what_the_server_refuses_is_said_with_what_to_do(database_url: str) -> None:
    url = make_url(database_url)
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute("CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        server.execute("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")
    try:
        narrow, reader = url.set(database="narrow"), url.set(username="reader")
        standby = url.update_query_dict({"options": "-c default_transaction_read_only=on"})
        for refused, what, hint in (
            (narrow, "the encoding LATIN1", "needs UTF8"),
            (reader, "may not do that", "GRANT"),
            (standby, "is read-only", "server that takes changes"),
        ):
            given = refused.render_as_string(hide_password=False)
            with (
                pytest.raises(StoreError, match=what) as raised,
                firetower.connect(given) as tower,
            ):
                tower.create_registry("models")
            assert hint in raised.value.hint
            failed = [one for one in examine(given, START) if one.health is Health.FAIL]
            assert hint in failed[-1].hint, failed
        checks = [one.name for one in examine(given, START, read_only=True)]
        [sound] = [one for one in examine(database_url, START) if one.name == "changes"]
        assert sound.health is Health.OK
        assert "changes" not in checks
    finally:
        with psycopg.connect(database_url, autocommit=True) as server:
            server.execute("DROP DATABASE narrow")
            server.execute("DROP ROLE reader")


def test_programs_are_named_to_who_looks_after_the_server(database_url: str) -> None:
    with firetower.connect(database_url) as tower, psycopg.connect(database_url) as connection:
        tower.registries()
        assert asked(connection, NAMED) == 1


def test_an_idle_worker_announces_nothing_but_its_beats(database_url: str) -> None:
    beats = "SELECT (max(heartbeat_at) - max(started_at)) / %s FROM workers"
    with worker(database_url), psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("LISTEN firetower")
        notices = list(connection.notifies(timeout=TIMEOUT, stop_after=2))
        # The first may be of its start, which is a beat, too.
        assert (
            asked(connection, beats, HEARTBEAT_INTERVAL // timedelta(microseconds=1))
            >= len(notices) - 1
            == 1
        )


def test_own_changes_end_no_wait_of_who_changes_again(store: Store, database_url: str) -> None:
    other = Store.open(database_url)
    with closing(other), watch(store.database, then_changes=True) as wait:
        Tower(store).create_registry("own")
        assert not wait(0.1)
        Tower(other).create_registry("models")
        Tower(store).create_registry("more")
        assert wait(TIMEOUT)
        assert not wait(0)


def test_a_change_wakes_a_worker_of_another_process(database_url: str) -> None:
    arguments = [sys.executable, "-c", SLEEPER, database_url]
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
        wait_until(lambda: asked(connection, LISTENING) == 1, "the worker to listen")
        for number in range(5):
            tower.add_alias(version, f"alias-{number}")
            receiver.wait_for(number + 1)


@pytest.mark.slow
def test_programs_started_on_an_empty_database_wait_for_another(
    database_url: str, postgresql: Any, worker_id: str
) -> None:
    url = create_database(postgresql, f"empty_{worker_id}")
    waiting = """
        SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE datname = current_database() AND objid = %s AND NOT granted
    """
    with ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
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


def test_a_look_at_the_schema_takes_two_round_trips(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[object] = []
    wait = WatchedConnection.wait

    def note(connection: WatchedConnection, *arguments: Any, **named: Any) -> Any:
        trips.append(arguments)
        return wait(connection, *arguments, **named)

    monkeypatch.setattr(WatchedConnection, "wait", note)
    counts = []
    for checked_at in (math.inf, 0):
        store._checked_at = checked_at
        trips.clear()
        with store.changing():
            pass
        counts.append(len(trips))
    assert counts[1] - counts[0] == 2
