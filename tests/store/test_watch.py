"""Waiting for the changes of other connections, told of by the system or looked for."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from firetower.core.errors import DatabaseReplaced, StoreError
from firetower.store import database
from firetower.store import watch as watching
from firetower.store.files import OpenFiles
from firetower.store.store import Store
from firetower.store.watch import watch
from firetower.tower import Tower
from waiting import TIMEOUT, wait_until

told = pytest.mark.skipif(sys.platform != "linux", reason="inotify")


@pytest.fixture(params=[pytest.param("told", marks=told), "polled"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    if request.param == "polled":
        monkeypatch.setattr(watching, "_watch_log", lambda _: None)
    opened = Store.open(str(tmp_path / "tower.db"), author="ada")
    yield opened
    opened.close()


@contextmanager
def _elsewhere(store: Store, *registries: str) -> Iterator[None]:
    """Make registries in another thread while the block waits."""

    def change() -> None:
        with closing(Store.open(str(store.database.location))) as other:
            for name in registries:
                Tower(other).create_registry(name)

    thread = Thread(target=change)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize("quick", [True, False])
def test_each_change_ends_a_wait(store: Store, *, quick: bool) -> None:
    with watch(store.database, quick=quick) as wait:
        assert not wait(0)
        for name in ("models", "datasets"):
            with _elsewhere(store, name):
                assert wait(TIMEOUT)
        Tower(store).create_registry("own")
        assert wait(TIMEOUT)


def test_a_change_between_two_waits_ends_the_next(store: Store) -> None:
    with watch(store.database) as wait:
        with _elsewhere(store, "models", "datasets"):
            pass
        assert wait(TIMEOUT)
        assert not wait(0)


def test_a_wait_is_ended_by_another_thread(store: Store) -> None:
    begun, seen = Event(), list[bool]()

    def wait_for_long() -> None:
        with watch(store.database) as wait:
            begun.set()
            seen.extend((wait(10 * TIMEOUT), wait(10 * TIMEOUT)))

    thread = Thread(target=wait_for_long, daemon=True)
    thread.start()
    assert begun.wait(TIMEOUT)
    store.database.end_waits()
    thread.join(TIMEOUT)
    assert seen == [False, False]


def test_a_commit_that_follows_its_write_by_far_ends_a_wait(store: Store) -> None:
    with watch(store.database) as wait, closing(_writer(store)) as other:
        other.execute("BEGIN")
        other.execute("PRAGMA cache_size = 1")
        other.execute("CREATE TABLE more AS SELECT randomblob(1000000)")  # written before its end
        assert not wait(0.3)
        other.execute("COMMIT")
        assert wait(TIMEOUT)


@told
def test_an_idle_database_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    read = watching._SqliteWatch._read

    def counted(self: watching._SqliteWatch) -> object:
        looks.append(1)
        return read(self)

    monkeypatch.setattr(watching._SqliteWatch, "_read", counted)
    with (
        closing(Store.open(str(tmp_path / "tower.db"))) as store,
        watch(store.database, then_changes=True) as wait,
    ):
        Tower(store).create_registry("own")
        assert wait(TIMEOUT)
        looks.clear()
        assert not wait(0.3)
    assert len(looks) == 2


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_a_file_that_is_deleted_ends_a_wait(store: Store, ending: str) -> None:
    with watch(store.database) as wait:
        Path(f"{store.database.location}{ending}").unlink()
        with pytest.raises(StoreError if ending == "" else DatabaseReplaced):
            wait(TIMEOUT)


def _writer(store: Store) -> sqlite3.Connection:
    return sqlite3.connect(str(store.database.location), isolation_level=None)


def test_a_log_that_comes_and_goes_with_others_is_no_news(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    Store.open(str(path)).close()
    files = OpenFiles(path, held=False)
    for _ in range(2):
        with closing(Store.open(str(path))):
            files.check()
        files.check()


def test_changes_of_a_file_that_may_not_be_written_end_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "tower.db")
    Store.open(path, author="ada").close()
    monkeypatch.setattr(database, "_is_writable", lambda _: False)
    with closing(Store.open(path, read_only=True)) as store, watch(store.database) as wait:
        for name in ("a", "b"):
            assert not wait(0)
            with _elsewhere(store, name):
                assert wait(TIMEOUT)
            while wait(0.1):
                pass
            assert name in [str(one.reference) for one in Tower(store).registries()]


def test_new_connections_wait_for_those_to_a_deleted_log(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    store = Store.open(str(path), author="ada")
    with Tower(store) as tower:
        tower.create_registry("models")
        with ExitStack() as open_transaction, ThreadPoolExecutor() as threads:
            open_transaction.enter_context(store.reading())
            for ending in ("-wal", "-shm"):
                Path(f"{path}{ending}").unlink()
            read = threads.submit(tower.registries)
            wait_until(lambda: bool(store.database.replacements), "it to be noticed")
            open_transaction.close()
            read.result(TIMEOUT)
        change = f"import firetower; firetower.connect({str(path)!r}).create_registry('prompts')"
        subprocess.run([sys.executable, "-c", change], check=True)
        assert [str(one.reference) for one in tower.registries()] == ["models", "prompts"]


def test_a_log_deleted_right_after_it_was_made_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    with closing(Store.open(str(path))) as store:
        tower = Tower(store)
        tower.create_registry("one")
        for logs in (("-wal", "-shm"), ("-shm",)):
            for end in logs:
                Path(f"{path}{end}").unlink()
            tower.create_registry(f"after{len(logs)}")
        assert len(store.database.replacements) == 2
