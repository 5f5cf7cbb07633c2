"""The files of an SQLite database restored, moved, replaced and deleted under those who use it."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

import firetower
from backup import take_backup
from faults.processes import Program, start_worker, wait_for_workers
from receiver import Receiver, serve
from towers import linked_model, on_alias, run, started, webhook
from waiting import wait_until

VERSION = "models/resnet:v0"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serve() as serving:
        yield serving


@pytest.fixture
def database(tmp_path: Path, receiver: Receiver) -> str:
    path = str(tmp_path / "tower.db")
    _fill(path, receiver, "first")
    return path


@pytest.fixture
def worker(database: str) -> Iterator[Program]:
    with start_worker(database) as program:
        wait_for_workers(database, 1)
        yield program


def _fill(path: str, receiver: Receiver, name: str) -> None:
    """Make a database with one automation, which calls an endpoint of its name."""
    with firetower.connect(path) as tower:
        linked_model(tower)
        _automate(tower, receiver, name)


def _automate(tower: firetower.Tower, receiver: Receiver, name: str) -> None:
    webhook(tower, name, receiver.url(f"/{name}"))
    on_alias(tower, name, name)


def _fires(database: str, receiver: Receiver, alias: str, *names: str) -> None:
    """Add an alias as another program; exactly these automations are to be called for it."""
    before = len(receiver.requests)
    with firetower.connect(database) as tower:
        tower.add_alias(VERSION, alias)
        wait_until(lambda: not _waiting(tower), "the executions to end")
        fired = [one for one in tower.executions.newest(100) if one.event.alias == alias]
        assert {one.automation for one in fired} == set(names)
    called = {one.path.strip("/") for one in receiver.requests[before:]}
    assert called == set(names)


def _waiting(tower: firetower.Tower) -> bool:
    ended = {one.event.id for one in tower.executions.newest(100) if one.status.is_final}
    return tower.events.newest(1)[0].id not in ended


def _sound(database: str) -> bool:
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        return found == [("ok",)] and not connection.execute("PRAGMA foreign_key_check").fetchall()


def test_a_restored_backup_is_worked_on(database: str, receiver: Receiver, worker: Program) -> None:
    restore = take_backup(database)
    with firetower.connect(database) as tower:
        _automate(tower, receiver, "gone")
    _fires(database, receiver, "one", "first", "gone")
    with started(database, "feed", "--follow", "--json", "--limit", "0") as feed:
        assert feed.stderr is not None
        assert feed.stdout is not None
        assert "following" in feed.stderr.readline()
        restore()
        assert "went back" in feed.stderr.readline()
        with firetower.connect(database) as tower:
            _automate(tower, receiver, "new")
        _fires(database, receiver, "two", "first", "new")
        shown = {json.loads(feed.stdout.readline())["automation"] for _ in range(2)}
        assert shown == {"first", "new"}
    assert "failed" not in worker.said
    assert "constraint" not in worker.said


def test_another_database_in_its_place_is_worked_on(
    database: str, receiver: Receiver, worker: Program, tmp_path: Path
) -> None:
    _fires(database, receiver, "one", "first")
    other, aside = str(tmp_path / "other.db"), str(tmp_path / "aside.db")
    _fill(other, receiver, "second")
    os.link(database, aside)
    Path(other).replace(database)
    wait_until(lambda: "another file is in the place" in worker.said, "the worker to say so")
    wait_for_workers(database, 1)
    _fires(database, receiver, "two", "second")
    assert _sound(database)
    with firetower.connect(aside) as tower:
        assert len(tower.executions.newest(9)) == 1  # saved there, whose log was taken away


def test_a_moved_database_is_waited_for(
    database: str, receiver: Receiver, worker: Program, tmp_path: Path
) -> None:
    _fires(database, receiver, "one", "first")
    aside = tmp_path / "aside.db"
    Path(database).rename(aside)
    wait_until(lambda: "is gone: it was moved or deleted" in worker.said, "the worker to say so")
    assert not Path(database).exists()
    with firetower.connect(str(aside)) as tower:
        assert len(tower.executions.newest(9)) == 1
    aside.rename(database)
    _fires(database, receiver, "two", "first")
    assert worker.said.count("is gone") == 1
    assert _sound(database)


def test_those_who_follow_a_moved_database_wait_for_it(database: str, tmp_path: Path) -> None:
    with ExitStack() as programs:
        feed, events = (
            programs.enter_context(started(database, command, "--follow", "--json"))
            for command in ("feed", "events")
        )
        assert events.stdout is not None
        assert "following" in feed.stderr.readline()  # type: ignore[union-attr]
        assert events.stdout.readline()
        aside = Path(database).rename(tmp_path / "aside.db")
        for one in (feed, events):
            assert "is gone" in (said := one.stderr.readline())  # type: ignore[union-attr]
            assert "Put it back" in said
        aside.rename(database)
        with firetower.connect(database) as tower:
            tower.add_alias(VERSION, "back")
        while '"back"' not in events.stdout.readline():
            assert events.poll() is None
        assert feed.poll() is None


@pytest.mark.parametrize(
    "endings",
    [
        pytest.param(("-wal",), marks=pytest.mark.slow),
        pytest.param(("-shm",), marks=pytest.mark.slow),
        ("-wal", "-shm"),
    ],
)
def test_a_deleted_log_is_told_and_nothing_is_lost(
    database: str, receiver: Receiver, worker: Program, endings: tuple[str, ...]
) -> None:
    _fires(database, receiver, "one", "first")
    for ending in endings:
        Path(database + ending).unlink(missing_ok=True)  # gone with the log that a checkpoint ended
    wait_until(lambda: "was deleted while the database was in use" in worker.said, "it to be said")
    _fires(database, receiver, "two", "first")
    assert _sound(database)
    with firetower.connect(database) as tower:
        assert len(tower.executions.newest(9)) == 2


def test_a_deleted_log_is_not_a_full_disk(database: str) -> None:
    with closing(sqlite3.connect(database)) as other:
        other.execute("UPDATE containers SET description = 'x'")
        other.commit()
        Path(database + "-wal").unlink()
        refused = run(database, "registry", "list")
    assert refused.returncode == 1
    assert "log of the database" in refused.stderr
    assert "space" not in refused.stderr
