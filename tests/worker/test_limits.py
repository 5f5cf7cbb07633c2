"""A worker short of file handles, memory or ports: it waits, and blames no endpoint."""

import asyncio
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

import firetower
from faults.processes import wait_for_peace
from firetower.core.errors import OutOfResources, StoreError
from firetower.core.executions import Status
from firetower.delivery import client as client_module
from firetower.delivery.client import open_client
from firetower.store.database import Database
from firetower.store.queue.record import recover
from firetower.store.store import Store
from firetower.worker import run
from firetower.worker import worker as worker_module
from firetower.worker.limits import share_connections
from firetower.worker.worker import Worker
from receiver import Received, serve
from store.bench import Bench
from towers import COMMAND, environment, linked_model, on_alias, webhook

WANTED = st.dictionaries(st.integers(), st.integers(1, 50), max_size=30)


@given(WANTED, st.integers(1, 200))
def test_shares_are_fair_and_within_what_there_is(wanted: dict[int, int], most: int) -> None:
    shares = share_connections(wanted, most)
    assert shares.keys() == wanted.keys()
    assert all(1 <= shares[key] <= wanted[key] for key in wanted)
    assert sum(shares.values()) <= max(most, len(wanted))
    less = [shares[key] for key in wanted if shares[key] < wanted[key]]
    if less:  # the others have no more than those who got less than they want
        assert max(shares.values()) <= min(less) + 1
    else:
        assert shares == wanted


def test_what_was_given_back_is_taken_again_as_if_new(tmp_path: Path) -> None:
    bench = Bench(Store.open(str(tmp_path / "tower.db"), author="ada"))
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    [claim] = bench.turn(room=1)
    for number, worker in ((claim.number + 1, "w"), (claim.number, "other")):
        bench.give_back(claim, number, worker)
        assert bench.only.status is Status.RUNNING
    bench.give_back(claim, claim.number)
    assert bench.only.status is Status.PENDING
    assert bench.only.attempts == 0
    assert bench.turn(room=1) == [claim]
    with bench.store.changing() as change:
        recover(change, ["w"])  # taken for dead: another repeats it
    bench.give_back(claim, claim.number)
    assert bench.only.attempts == 1
    bench.store.close()


def with_few_files(files: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files // 2, files))


def test_hanging_endpoints_leave_file_handles_to_a_healthy_one(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    rows, endpoints = 10, 8  # more requests than the worker has handles

    released = threading.Event()

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/slow":
            released.wait(60)
        return 200, {}, b""

    with serve() as receiver, firetower.connect(database) as tower:
        receiver.answer = answer
        version = linked_model(tower)
        for number in range(endpoints):
            webhook(tower, f"slow-{number}", receiver.url("/slow"), timeout=timedelta(seconds=90))
            on_alias(tower, f"slow-{number}", f"slow-{number}")
        webhook(tower, "quick", receiver.url("/quick"))
        on_alias(tower, "quick", "quick")
        process = subprocess.Popen(
            [COMMAND, "worker"],
            env=environment(database),
            preexec_fn=with_few_files(80),  # noqa: PLW1509
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            for number in range(rows):
                tower.add_alias(version, f"alias-{number}")
            receiver.wait_for(rows, "/quick")
            assert process.poll() is None
            released.set()
            wait_for_peace(database)
        finally:
            released.set()
            process.terminate()
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert "no connection can be opened" not in said
        executions = tower.executions.newest(1_000)
        assert len(executions) == rows * (endpoints + 1)
        assert {(one.status, one.attempts) for one in executions} == {(Status.FINISHED, 1)}


def test_once_needs_no_file_handle_to_watch_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(database: Database, _: object) -> NoReturn:
        raise StoreError(f"the database {database.location} cannot be reached", "Check the URL.")

    monkeypatch.setattr(worker_module, "watch", watch)
    monkeypatch.setattr(run, "raise_file_limit", lambda: 1_024)
    said: list[str] = []
    run_worker = partial(run.run_worker, str(tmp_path / "tower.db"), once=True)
    run_worker(emit=lambda _: None, report=said.append)
    assert "cannot be reached" not in " ".join(said)


def test_a_want_of_its_own_is_told_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, lacking, said = str(tmp_path / "tower.db"), 3, list[str]()

    async def short(*arguments: object) -> object:
        nonlocal lacking
        lacking -= 1
        if lacking >= 0:
            raise OutOfResources("Too many open files")
        return await send(*arguments)  # type: ignore[arg-type]

    async def work(store: Store) -> None:
        async with open_client() as client:
            worker = Worker(store, client, lambda _: None, said.append)
            running = asyncio.create_task(worker.run())
            await asyncio.to_thread(receiver.wait_for, 2)
            worker.stop()
            await running

    send = client_module.send
    monkeypatch.setattr(client_module, "send", short)
    with serve() as receiver, firetower.connect(database) as tower:
        webhook(tower, "ci", receiver.url(), schedule=())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "one", "two")
        store = Store.open(database)
        asyncio.run(work(store))
        store.close()
        executions = tower.executions.newest(10)
        assert {(one.status, one.attempts) for one in executions} == {(Status.FINISHED, 1)}
    assert len(said) == 2
    assert "Too many open files; executions for ci wait" in said[0]


IMPORTS = """
import contextlib
import sys
from firetower.core.errors import NotReady
from firetower.worker.run import run_worker
from firetower.cli.output import feed_text
known = None

def report(text):
    global known
    if "started" in text:
        known = set(sys.modules)
    if "stopped" in text:
        print(*sorted(set(sys.modules) - known))

with contextlib.suppress(NotReady):  # without a network, one waits
    run_worker(None, once=True, emit=feed_text, report=report)
"""


def test_a_worker_imports_all_before_it_starts(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    with serve() as receiver, firetower.connect(database) as tower:
        tower.secrets.set("TOKEN", "t0ken-t0ken")
        named = f"http://localhost:{receiver.port}/"
        webhook(tower, "ci", named, access_token_secret="TOKEN")
        webhook(tower, "dead", "http://firetower.invalid/é", schedule=())
        webhook(tower, "https", named.replace("http", "https"), schedule=())
        version = linked_model(tower)
        for name in ("ci", "dead", "https"):
            on_alias(tower, name, name)
        tower.add_alias(version, "one")
        done = subprocess.run(
            [sys.executable, "-c", IMPORTS],
            env=environment(database),
            capture_output=True,
            text=True,
            check=True,
        )
        sent = [one for one in tower.executions.newest(10) if one.endpoint != "dead"]
        assert [one.attempts for one in sent] == [1, 1]
    assert done.stdout.strip() == ""
