"""PostgreSQL: a program that stops in a transaction does not keep others waiting for ever."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, make_url, text

import firetower
from firetower.core.automations import Mode
from firetower.core.errors import Conflict, StoreError, StoreLocked
from firetower.core.executions import SkipReason
from firetower.core.health import Check, Health
from firetower.core.matching import Decision
from firetower.store import automations, doctor, watch, watched_connection
from firetower.store.changes import _EVENT_ORDER, lock_event_order
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.evaluate import evaluate
from firetower.store.sessions import find_holder
from firetower.store.store import Store
from firetower.store.watched_connection import WatchedConnection
from firetower.tower import Tower
from postgres import WAITING
from relay import relayed
from store.bench import Bench
from towers import environment, every_execution, on_alias
from waiting import TIMEOUT, wait_until

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

STOPS = """
import os, signal, sys
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.evaluate import evaluate
from firetower.store.catalog.labels import add_aliases
from firetower.core.references import VersionReference
from firetower.store.store import Store

url, doing, version = sys.argv[1:]
with Store.open(url).changing() as change:
    if doing == "evaluates":
        assert evaluate(change, AutomationCache(), 100)[1]
    else:
        add_aliases(change, VersionReference.parse(version), ["stopped"])
    os.kill(os.getpid(), signal.SIGSTOP)
"""
"""A program that is stopped in the middle of its transaction."""


def limited(url: str, **limits: str) -> str:
    """Return a URL that asks the server for other limits."""
    options = " ".join(f"-c {name}={value}" for name, value in limits.items())
    asked = make_url(url).update_query_dict({"options": options})
    return asked.render_as_string(hide_password=False)


def url_of(store: Store) -> str:
    url = store.database.location.url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


@contextmanager
def stopped(url: str, doing: str, version: str) -> Iterator[list[str]]:
    """Stop a program in its transaction, let it go on at the end; give what it says then."""
    said: list[str] = []
    process = subprocess.Popen(
        [sys.executable, "-c", STOPS, url, doing, version],
        env=environment(url),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        yield said
    finally:
        process.send_signal(signal.SIGCONT)
        said.append(process.communicate(timeout=TIMEOUT)[1])


@contextmanager
def held(url: str, function: str) -> Iterator[int]:
    """Hold the order of events in a session that has no limits; give its number."""
    with psycopg.connect(url, application_name="backup") as connection:
        connection.execute(f"SELECT {function}({_EVENT_ORDER})")
        yield connection.info.backend_pid


def evaluate_one(store: Store) -> list[Decision]:
    with store.changing() as change:
        return evaluate(change, AutomationCache(), 1)[1]


def waiting(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(WAITING).fetchone()
    assert row is not None
    return int(row[0])


def test_a_session_has_limits_and_keeps_those_it_was_given(database_url: str) -> None:
    names = ("idle_in_transaction_session_timeout", "lock_timeout", "tcp_user_timeout")
    store = Store.open(limited(database_url, lock_timeout="7s"))
    with store.reading() as reader:
        found = [reader.connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]
        check = "SHOW client_connection_check_interval"
        assert reader.connection.execute(text(check)).scalar_one() == "5s"
        idle = "SELECT setting, source FROM pg_settings WHERE name = 'idle_session_timeout'"
        assert reader.connection.execute(text(idle)).one() == ("0", "session")
    store.close()
    assert found[:2] == ["5s", "7s"]


def test_role_settings_that_would_change_what_is_read_are_not_used(
    database_url: str,
) -> None:
    names = {"default_transaction_isolation": "serializable", "extra_float_digits": "-9"}
    store = Store.open(limited(database_url, DateStyle="German", **names))
    with store.changing() as change:
        tells = change.connection.exec_driver_sql
        assert tells("SHOW transaction_isolation").scalar_one() == "read committed"
        assert tells("SELECT 0.1::float8 + 0.2::float8").scalar_one() == 0.1 + 0.2
    with store.reading() as reader:
        shown = reader.connection.exec_driver_sql("SHOW transaction_isolation").scalar_one()
        assert shown == "repeatable read"
    store.close()


def test_times_of_another_date_style_are_read(store: Store) -> None:
    german = limited(url_of(store), DateStyle="German")
    with held(url_of(store), "pg_advisory_xact_lock") as pid:
        found = {one.name: one for one in doctor.examine(german, datetime.now(UTC))}
        assert found["clock"].health is Health.OK
        with psycopg.connect(url_of(store), options="-cDateStyle=German") as connection:
            holder = find_holder(connection)
    assert holder is not None
    assert (holder.pid, "idle in transaction since 20" in holder.describe()) == (pid, True)


def test_a_stopped_program_loses_its_transaction_and_others_go_on(store: Store) -> None:
    bench = Bench(store)
    url = url_of(store)
    soon = limited(url, idle_in_transaction_session_timeout="2s")
    with stopped(soon, "changes", bench.version) as said:
        bench.automate()
        bench.tower.add_alias(bench.version, "production")
    assert "stopped in the middle of a change" in said[0]
    assert "stopped" not in bench.tower.version(bench.version).version.aliases


def test_events_that_a_vanished_worker_took_are_evaluated_by_another(store: Store) -> None:
    bench = Bench(store)
    bench.automate()
    bench.tower.add_alias(bench.version, "production")
    url = url_of(store)
    soon = limited(url, idle_in_transaction_session_timeout="2s")
    with stopped(soon, "evaluates", bench.version):
        wait_until(lambda: bench.turn() is None or every_execution(bench.tower), "an execution")


def test_who_waits_to_save_an_automation_holds_up_no_change(store: Store) -> None:
    bench = Bench(store)
    url = url_of(store)
    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(url, autocommit=True) as looker,
        held(url, "pg_advisory_xact_lock_shared"),
    ):
        saving = thread.submit(on_alias, bench.tower, "deploy", "ci")
        wait_until(lambda: waiting(looker), "the save to wait")
        for number in range(3):
            bench.tower.add_alias(bench.version, f"alias-{number}")
        assert not saving.done()
    assert bench.tower.automations.get("deploy").mode is Mode.ENABLED


def test_who_edits_what_another_has_just_edited_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(store)
    bench.automate()
    definition = bench.tower.automations.get("deploy").definition

    def edit_first(connection: Connection, *, alone: bool) -> None:
        monkeypatch.undo()
        with firetower.connect(url_of(store)) as other:
            other.automations.set_mode("deploy", Mode.DISABLED)
        lock_event_order(connection, alone=alone)

    monkeypatch.setattr(automations, "lock_event_order", edit_first)
    with pytest.raises(Conflict, match="changed by someone else meanwhile"):
        bench.tower.automations.edit("deploy", definition.model_copy(update={"name": "ship"}))
    assert bench.tower.automations.get("deploy").mode is Mode.DISABLED


@pytest.mark.parametrize(
    ("does", "lock"),
    [
        ("saves", f"SELECT pg_advisory_xact_lock_shared({_EVENT_ORDER})"),
        ("adds", f"SELECT pg_advisory_xact_lock({_EVENT_ORDER})"),
        ("reads", "LOCK TABLE containers"),
        ("opens", "LOCK TABLE alembic_version"),
    ],
)
def test_a_long_wait_is_told_of(
    store: Store, monkeypatch: pytest.MonkeyPatch, does: str, lock: str
) -> None:
    monkeypatch.setattr(watched_connection, "LONG_WAIT", 0.02)
    bench, url, told = Bench(store), url_of(store), list[str]()

    def opened() -> None:
        with firetower.connect(url, on_wait=told.append) as tower:
            if does != "opens":
                begun.set()
                assert go.wait(TIMEOUT)
            match does:
                case "saves":
                    on_alias(tower, "deploy", "ci")
                case "adds":
                    tower.add_alias(bench.version, "new")
                case _:
                    tower.registries()

    begun, go = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as thread, psycopg.connect(url, application_name="backup") as other:
        waits = None if does == "opens" else thread.submit(opened)
        assert waits is None or begun.wait(TIMEOUT)
        other.execute(lock)
        go.set()
        waits = waits or thread.submit(opened)
        wait_until(lambda: bool(told), "it to be told")
        assert not waits.done()
        assert f"server process {other.info.backend_pid} (backup, " in told[0]
    waits.result(TIMEOUT)


def test_a_server_that_hangs_is_not_waited_for_without_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_connection, "_ANSWER_TIMEOUT", 1.0)
    url = store.database.location.url
    [folder] = [url.query["host"]] if isinstance(url.query["host"], str) else url.query["host"]
    with relayed(Path(folder) / ".s.PGSQL.5432") as relay:
        through = url.set(
            drivername="postgresql",
            host="127.0.0.1",
            port=relay.port,
            query={"connect_timeout": "2"},
        )
        with closing(Store.open(through.render_as_string(hide_password=False))) as other:
            with other.reading() as reader:
                slow = "SELECT pg_sleep(1.5)"  # the server answers others meanwhile
                assert reader.connection.exec_driver_sql(slow).rowcount == 1

            def hang() -> None:
                with other.reading() as reader:
                    relay.passing.clear()
                    reader.connection.exec_driver_sql("SELECT 1")

            def execute(connection: WatchedConnection, query: str, *values: Any) -> object:
                if "COMMIT" in query:
                    relay.passing.clear()
                return super(WatchedConnection, connection).execute(query, *values)

            with monkeypatch.context() as patch:
                patch.setattr(WatchedConnection, "execute", execute, raising=False)
                with pytest.raises(StoreError, match="may be saved or not") as raised:
                    Tower(other).create_registry("models")
                assert "does not answer" in raised.value.hint
            relay.passing.set()
            with pytest.raises(StoreError, match="does not answer"):
                hang()
            with pytest.raises(StoreError, match="cannot be reached"), other.reading():
                pass
            relay.passing.set()
            assert {str(one.reference) for one in Tower(other).registries()} <= {"models"}


def test_two_workers_begin_a_cooldown_once(store: Store) -> None:
    bench = Bench(store)
    bench.automate(records=True, cooldown=timedelta(hours=1))
    for alias in ("one", "two"):
        bench.tower.add_alias(bench.version, alias)
    with psycopg.connect(url_of(store), autocommit=True) as observer, ThreadPoolExecutor() as other:
        with store.changing() as change:
            _, decisions = evaluate(change, AutomationCache(), 1)
            second = other.submit(evaluate_one, store)
            wait_until(lambda: waiting(observer), "the other to wait for the cooldown")
        decisions += second.result()
    assert [one.skip_reason for one in decisions] == [None, SkipReason.COOLDOWN]


@pytest.mark.parametrize("doing", ["idle", "active", "listens"])
def test_stopped_server_process_is_not_waited_for(
    store: Store, monkeypatch: pytest.MonkeyPatch, doing: str
) -> None:
    monkeypatch.setattr(watched_connection, "_ANSWER_TIMEOUT", 1.0)
    monkeypatch.setattr(WatchedConnection, "statement_timeout", 2.0)
    monkeypatch.setattr(watch, "_LISTEN_CHECK_INTERVAL", 0.1)
    bench, pids = Bench(store), list[int]()

    def stop(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        pids.append(pid)

    def wait() -> None:
        if doing == "listens":
            with watch.watch(store.database) as wait_for_change:
                [connection] = store.database._raw
                stop(connection.info.backend_pid)
                wait_until(lambda: wait_for_change(0.1), "an error")
        with store.changing() as change:
            driver: Any = change.connection.connection.dbapi_connection
            if doing == "idle":
                stop(driver.info.backend_pid)
            else:
                threading.Timer(0.1, stop, [driver.info.backend_pid]).start()
            change.connection.exec_driver_sql("SELECT pg_sleep(60)")  # or until it is stopped

    try:
        with pytest.raises(StoreError, match="cannot be reached: the server does not answer"):
            wait()
        bench.tower.add_alias(bench.version, "production")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("saving", [False, True])
def test_who_is_held_up_is_told_by_whom(store: Store, *, saving: bool) -> None:
    bench = Bench(store)
    url = url_of(store)
    function = "pg_advisory_xact_lock_shared" if saving else "pg_advisory_xact_lock"
    with (
        firetower.connect(limited(url, lock_timeout="300ms")) as tower,
        held(url, function) as pid,
        pytest.raises(StoreLocked, match=rf"server process {pid} \(backup, .*\), idle in") as said,
    ):
        on_alias(tower, "deploy", "ci") if saving else tower.add_alias(bench.version, "new")
    assert f"pg_terminate_backend({pid})" in said.value.hint


def test_the_doctor_names_who_holds_locks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(store)
    url = url_of(store)
    monkeypatch.setattr(doctor, "_HELD_SECONDS", 0)
    assert locks(url).health is Health.OK
    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(url, autocommit=True) as looker,
        held(url, "pg_advisory_xact_lock") as pid,
    ):
        assert locks(url).health is Health.WARN
        waits = thread.submit(bench.tower.add_alias, bench.version, "production")
        wait_until(lambda: waiting(looker), "the change to wait")
        found = locks(url)
        assert found.health is Health.FAIL
        assert f"server process {pid} (backup" in found.said
    waits.result(TIMEOUT)


def locks(url: str) -> Check:
    [check] = [one for one in doctor.examine(url, datetime.now(UTC)) if one.name == "locks"]
    return check
