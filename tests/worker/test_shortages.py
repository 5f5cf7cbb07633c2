"""A worker that lacks something of its own, such as the key: executions wait, and none fails."""

import asyncio
import itertools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import firetower
from firetower.core.endpoints import EndpointKind
from firetower.core.errors import NotReady, SecretKeyError, StoreLocked
from firetower.core.executions import Status
from firetower.core.feed import FeedLine
from firetower.core.health import Check, Health
from firetower.core.requests import Secrets, build_request
from firetower.delivery.client import open_client
from firetower.store import secrets
from firetower.store import store as stores
from firetower.store.doctor import examine
from firetower.store.store import Store
from firetower.tower import Tower
from firetower.tui.widgets.bar import status_text
from firetower.worker import worker as worker_module
from firetower.worker.shortages import Shortages
from firetower.worker.worker import Worker
from receiver import Receiver, serve
from store.bench import START, Bench
from towers import COMMAND, environment, linked_model, newer_schema, on_alias, webhook
from waiting import wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serve() as serving:
        yield serving


@pytest.fixture
def tower(store: Store, receiver: Receiver) -> Tower:
    """A registry whose aliases go to an endpoint with a secret, and to one without."""
    tower = Tower(store)
    tower.secrets.set("TOKEN", "t0ken-t0ken")
    webhook(tower, "ci", receiver.url("/ci"), access_token_secret="TOKEN", schedule=())
    webhook(tower, "open", receiver.url("/open"), schedule=())
    linked_model(tower)
    on_alias(tower, "deploy", "ci")
    on_alias(tower, "tell", "open")
    return tower


@contextmanager
def working(url: str) -> Iterator[list[str]]:
    """Run a worker beside the test; what it reports."""
    said: list[str] = []
    stop = threading.Event()

    async def work() -> None:
        async with open_client() as client:
            store = Store.open(url)
            worker = Worker(store, client, lambda _: None, said.append)
            running = asyncio.create_task(worker.run())
            while not stop.is_set() and not running.done():
                await asyncio.sleep(0.01)
                worker.wake()
            worker.stop()
            await running
            store.close()

    thread = threading.Thread(target=asyncio.run, args=(work(),))
    thread.start()
    try:
        yield said
    finally:
        stop.set()
        thread.join()


def workers_check(url: str) -> Check:
    return next(one for one in examine(url, datetime.now(UTC)) if one.name == "workers")


def executions_of(tower: Tower, automation: str) -> set[tuple[Status, int]]:
    found = tower.executions.newest(10_000)
    return {(one.status, one.attempts) for one in found if one.automation == automation}


def test_executions_wait_for_a_key_that_went_and_came_back(
    store: Store, tower: Tower, receiver: Receiver, database_url: str
) -> None:
    key = store.database.location.key_file
    away = key.with_suffix(".away")
    with working(database_url) as said:
        tower.add_alias("models/resnet:v0", "one")
        receiver.wait_for(1, "/ci")
        key.rename(away)
        numbers = itertools.count()

        def doctor_tells() -> bool:  # what was opened is kept for a moment
            tower.add_alias("models/resnet:v0", f"more-{next(numbers)}")
            return workers_check(database_url).health is Health.FAIL

        wait_until(doctor_tells, "the doctor to tell")
        tower.add_alias("models/resnet:v0", "last")
        aliases = next(numbers) + 2
        receiver.wait_for(aliases, "/open")
        told = workers_check(database_url).said
        assert f"the secret key is missing: {key}" in told
        status = tower.status()
        wide, narrow = (
            status_text("tower.db", status, "", datetime.now(UTC), width).plain
            for width in (200 + len(str(key)), 80)
        )
        assert f"✗ waits: the secret key is missing: {key}" in wide
        assert "✗ waits: the" in narrow
        waiting = {(Status.FINISHED, 1), (Status.PENDING, 0)}  # each second one is tried
        wait_until(lambda: executions_of(tower, "deploy") == waiting, "the others to wait")
        away.rename(key)
        receiver.wait_for(aliases, "/ci")
        finished = {(Status.FINISHED, 1)}
        wait_until(lambda: executions_of(tower, "deploy") == finished, "all to finish")
        wait_until(lambda: workers_check(database_url).health is Health.OK, "the doctor to be well")
    missing, back = said
    assert f"the secret key is missing: {key}; executions for ci wait. Bring the file" in missing
    assert "what waited is sent" in back
    assert executions_of(tower, "tell") == {(Status.FINISHED, 1)}


def test_worker_waits_while_the_database_is_that_of_a_newer_program(
    store: Store,
    tower: Tower,
    receiver: Receiver,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_DELAY", 0.01)
    monkeypatch.setattr(stores, "SCHEMA_INTERVAL", 0)
    with working(database_url) as said:
        tower.add_alias("models/resnet:v0", "one")
        receiver.wait_for(1, "/ci")
        with newer_schema(store):
            wait_until(lambda: said, "the worker to notice")
            tower.add_alias("models/resnet:v0", "two")
            assert {one.event.alias for one in tower.executions.newest(9)} == {"one"}
        receiver.wait_for(2, "/ci")
    [newer] = said
    assert "was made by a newer Firetower. Upgrade this program" in newer


def test_worker_once_without_the_key_ends_and_says_what_waits(
    store: Store, tower: Tower, receiver: Receiver
) -> None:
    async def work() -> None:
        async with open_client() as client:
            await Worker(store, client, lines.append, said.append).run(once=True)

    lines, said = list[FeedLine](), list[str]()
    key = store.database.location.key_file
    content = key.read_bytes()
    key.write_text("no key")
    tower.add_alias("models/resnet:v0", "one", "two")
    with pytest.raises(NotReady, match=f"^2 executions left waiting: {key} does not hold a secret"):
        asyncio.run(work())
    assert len(receiver.at("/open")) == 2
    assert executions_of(tower, "deploy") == {(Status.PENDING, 0)}
    key.write_bytes(content)
    asyncio.run(work())
    assert executions_of(tower, "deploy") == {(Status.FINISHED, 1)}
    assert [line.execution.automation for line in lines].count("deploy") == 2


@pytest.mark.slow
@pytest.mark.parametrize("host", ["192.0.2.1", "firetower.test"])
def test_without_a_network_executions_wait(tmp_path: Path, host: str) -> None:
    alone = ("unshare", "--map-root-user", "--net")
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("no network namespace can be made here")
    database = str(tmp_path / "tower.db")
    with firetower.connect(database) as tower:
        webhook(tower, "ci", f"http://{host}/")
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "production")
        ended = subprocess.run(
            [*alone, COMMAND, "worker", "--once"],
            check=False,
            env=environment(database),
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 1
        assert "1 execution left waiting: " in ended.stderr
        assert executions_of(tower, "deploy") == {(Status.PENDING, 0)}


def test_a_database_that_is_locked_fails_no_execution(
    store: Store, tower: Tower, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, errors, numbers = secrets.open_secrets, list[StoreLocked](), itertools.count()

    def open_secrets(*arguments: Any) -> Secrets:
        if errors:
            raise errors.pop()
        return original(*arguments)

    def raised() -> bool:  # what was opened is kept for a moment
        tower.add_alias("models/resnet:v0", f"more-{next(numbers)}")
        return not errors

    monkeypatch.setattr(worker_module, "open_secrets", open_secrets)
    tower.add_alias("models/resnet:v0", "one")
    with working(store.database.location.url.render_as_string(hide_password=False)):
        receiver.wait_for(1, "/ci")
        errors.append(StoreLocked("locked", "Wait."))
        wait_until(raised, "the database to be locked")
        receiver.wait_for(1 + next(numbers), "/ci")
    assert executions_of(tower, "deploy") == {(Status.FINISHED, 1)}


def test_a_secret_that_is_gone_is_a_refusal(tower: Tower) -> None:
    endpoint = tower.endpoints.get("ci", EndpointKind.WEBHOOK).endpoint
    with pytest.raises(Exception, match="the secret TOKEN no longer exists"):
        build_request("{}", endpoint, Secrets(), webhook_id="m", sent_at=START, version="1")


def test_what_comes_and_goes_is_told_again_after_a_while(tmp_path: Path) -> None:
    bench = Bench(Store.open(str(tmp_path / "tower.db"), author="ada"))
    bench.turn()
    ci = bench.cache.endpoints[1]
    other = ci.model_copy(update={"id": 2})
    key, network = SecretKeyError("no key", "Bring it."), NotReady("no network", "Connect it.")
    no_key, no_network = (
        f"{error.message}; executions for ci wait. {error.hint}" for error in (key, network)
    )
    shortages, told = Shortages(), list[list[str]]()
    for seconds in (0, 9, 10):
        now = START + timedelta(seconds=seconds)
        shortages.add(ci, key, now)
        told.append(shortages.news(now))
        shortages.remove(ci.id)
        told.append(shortages.news(now))
    back = "nothing is missing any more: what waited is sent"
    assert told == [[no_key], [back], [], [], [no_key], [back]]
    shortages.add(ci, network, now)
    assert shortages.news(now) == [no_network]
    shortages.remove(ci.id, SecretKeyError)  # it is the network that is missing
    assert shortages.problem == "no network"
    shortages.remove(ci.id)
    shortages.add(ci, key, now)
    assert shortages.news(now) == [no_key]
    now += timedelta(milliseconds=500)
    shortages.add(other, key, now)
    assert shortages.next_retry(now) == now + timedelta(milliseconds=500)
    shortages.forget({ci.id, other.id}, now + timedelta(seconds=4.5))
    assert shortages.endpoint_ids == [other.id]
    shortages.forget({ci.id}, now)
    assert shortages.endpoint_ids == []
    assert shortages.news(now) == []  # nothing that waited was sent
    bench.store.close()


def test_what_is_missing_is_told_once_and_its_end(tmp_path: Path) -> None:
    bench = Bench(Store.open(str(tmp_path / "tower.db"), author="ada"))
    bench.turn()
    endpoint, shortages, now = bench.cache.endpoints[1], Shortages(), START
    error = SecretKeyError("no key", "Bring it.")
    shortages.add(endpoint, error, now)
    assert shortages.news(now) == ["no key; executions for ci wait. Bring it."]
    assert shortages.news(now) == []
    assert shortages.is_waiting(endpoint.id, now)
    assert shortages.next_retry(now) == now + timedelta(seconds=1)
    now += timedelta(seconds=1)
    assert not shortages.is_waiting(endpoint.id, now)
    assert shortages.next_retry(now) is None
    shortages.remove(endpoint.id)
    assert shortages.news(now) == ["nothing is missing any more: what waited is sent"]
    shortages.add(endpoint, error, now)  # it comes and goes
    assert shortages.news(now) == []
    now -= timedelta(hours=1)  # the clock is set back
    assert not shortages.is_waiting(endpoint.id, now)
    shortages.forget({endpoint.id}, now)
    assert shortages.error is None
    assert shortages.news(now) == []
    bench.store.close()
