"""Databases that cannot be changed now: said, and nothing is lost."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from firetower.core.errors import StoreError, StoreLocked
from firetower.core.health import Health
from firetower.store import database
from firetower.store import store as stores
from firetower.store.doctor import examine
from firetower.store.store import Store, utc_now
from firetower.tower import Tower


def test_a_locked_database_is_waited_for_and_then_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    tower = Tower(Store.open(f"sqlite:///{path}?timeout=0.1"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked, match="locked by another process"):
            tower.create_registry("models")
        other.execute("ROLLBACK")
    assert tower.registries() == []
    tower.create_registry("models")
    tower.close()


STOPS = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
connection.execute("SELECT * FROM events").fetchone()
os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who holds a lock")
def test_a_stopped_program_that_holds_the_lock_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    with Tower(Store.open(f"sqlite:///{path}?timeout=0.1")) as tower:
        process = subprocess.Popen([sys.executable, "-c", STOPS, path, "BEGIN IMMEDIATE"])
        try:
            assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
            with pytest.raises(
                StoreLocked, match=rf": {process.pid} \(.*\), which is stopped"
            ) as said:
                tower.create_registry("models")
            assert f"kill -CONT {process.pid}" in said.value.hint
            [check] = [one for one in examine(str(path), utc_now()) if one.name == "locks"]
            assert check.health is Health.FAIL
            assert str(process.pid) in check.said
        finally:
            process.kill()
            process.wait()
        tower.create_registry("models")
        [check] = [one for one in examine(str(path), utc_now()) if one.name == "locks"]
        assert check.health is Health.OK


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who holds a lock")
def test_stopped_program_that_keeps_the_log_growing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    with Tower(Store.open(str(path))) as tower:
        process = subprocess.Popen([sys.executable, "-c", STOPS, path, "BEGIN"])
        try:
            assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
            tower.create_registry("models")
            [check] = [one for one in examine(str(path), utc_now()) if one.name == "locks"]
            assert check.health is Health.WARN
            assert f"process {process.pid} " in check.said
            assert "tower.db-wal" in check.said
            assert f"kill -CONT {process.pid}" in check.hint
        finally:
            process.kill()
            process.wait()


def test_a_long_wait_is_told_of_once_and_asks_ever_more_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, pauses = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds
        if clock[0] > 2:
            other.execute("ROLLBACK")

    path = tmp_path / "tower.db"
    told: list[tuple[float, str]] = []
    store = Store.open(str(path), on_wait=lambda who: told.append((clock[0], who)))
    with Tower(store) as tower, closing(sqlite3.connect(path)) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(
            database, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep)
        )
        tower.create_registry("models")
        assert [str(found.reference) for found in tower.registries()] == ["models"]
    [(moment, who)] = told
    assert round(moment, 1) == 1.0
    assert who.startswith(f"process {os.getpid()} (" if Path("/proc/locks").exists() else "another")
    longest = pauses.index(max(pauses))
    assert pauses[longest:] == sorted(pauses[longest:], reverse=True)
    assert pauses[-1] < pauses[0]


def test_a_read_only_database_can_be_read_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    with Tower(Store.open(str(path))) as first:
        first.create_registry("models")
    with Tower(Store.open(f"sqlite:///file:{path}?mode=ro&uri=true")) as tower:
        with pytest.raises(StoreError, match="is read-only"):
            tower.create_registry("audio")
        assert [str(found.reference) for found in tower.registries()] == ["models"]


@pytest.mark.parametrize("opens", ["transaction", "raw"])
def test_a_new_connection_makes_no_file_in_the_place_of_a_moved_one(
    tmp_path: Path, opens: str
) -> None:
    path = tmp_path / "tower.db"
    opened = Store.open(str(path)).database
    path.rename(tmp_path / "aside.db")
    opened.close()
    gone = pytest.raises(StoreError, match="is gone: it was moved or deleted")
    with gone, getattr(opened, opens)():
        pass
    assert not path.exists()


def test_database_moved_and_put_back_is_used_silently(tmp_path: Path) -> None:
    path, aside = tmp_path / "tower.db", tmp_path / "aside.db"
    with closing(Store.open(str(path))) as store:
        tower = Tower(store)
        tower.create_registry("before")
        for end in ("", "-wal", "-shm"):
            Path(f"{path}{end}").rename(f"{aside}{end}")
        for _ in range(2):
            with pytest.raises(StoreError, match="is gone"):
                tower.registries()
        Tower(Store.open(str(aside))).close()  # the last one deletes the log
        aside.rename(path)
        tower.create_registry("after")
        assert [str(one.reference) for one in tower.registries()] == ["after", "before"]
        assert store.database.replacements == []


def test_overwritten_file_is_refused_and_used_once_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    with Tower(Store.open(str(path))) as tower, closing(sqlite3.connect(path)) as other:
        tower.create_registry("before")
        other.execute("UPDATE state SET value = value")  # what the tower has read it reads again
        other.commit()
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        kept = path.read_bytes()
        path.write_bytes(b"no database" * 1_000)
        for refused in (tower.registries, lambda: tower.create_registry("after")) * 2:
            with pytest.raises(StoreError, match="is not a Firetower database"):
                refused()
        path.write_bytes(kept)
        assert [str(one.reference) for one in tower.registries()] == ["before"]
        tower.create_registry("after")


def test_emptied_database_is_left_to_who_restores_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tower.db"
    with Tower(Store.open(str(path))) as tower, closing(sqlite3.connect(path)) as other:
        with closing(sqlite3.connect(":memory:")) as empty:
            empty.backup(other)
        monkeypatch.setattr(stores, "SCHEMA_INTERVAL", 0)
        for _ in range(2):
            with pytest.raises(StoreError, match="is empty") as raised:
                tower.create_registry("models")
        assert "Restore its backup" in raised.value.hint
        assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    with Tower(Store.open(str(path))) as tower:
        tower.create_registry("models")
