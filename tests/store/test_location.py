"""Where a database is, said without the password that reaches it."""

import os
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from firetower.core.errors import FiretowerError, InvalidInput, StoreError
from firetower.core.health import Health
from firetower.store.database import Database
from firetower.store.doctor import examine
from firetower.store.driver_errors import store_error
from firetower.store.location import Location
from firetower.store.store import Store, utc_now
from firetower.tower import Tower

NOWHERE = "postgresql://ada:q1w2e3@127.0.0.1:1/tower"
WITH_PASSWORD = [
    NOWHERE,
    f"{NOWHERE}?password=q1w2e3&sslpassword=q1w2e3",
    f"{NOWHERE}?password=q1w2e3&password=other-q1w2e3",
    f"{NOWHERE}?PassWord=q1w2e3",
    f"{NOWHERE}?password=q1%772e3&passfile=/home/ada/.pgpass",
    f"{NOWHERE}?scram_client_key=q1w2e3&oauth_client_secret=q1w2e3",
    f"{NOWHERE}?port=no&password=q1w2e3",
    "postgresql://ada:p@q1w2e3@127.0.0.1:1/tower",
    "postgresql:/ada:q1w2e3@127.0.0.1/tower",
    "host=127.0.0.1 port=1 password=q1w2e3",
    f"{NOWHERE}?pasword=q1w2e3&options=-c%20app.token%3Dq1w2e3",
    "Server=h;Password=q1w2e3",
    "connect_timeout=5 password=q1w2e3",
    "mysql://ada:q1w2e3@127.0.0.1/tower?password=q1w2e3",
    "ada:q1w2e3@127.0.0.1/tower",
    "postgres//ada:q1w2e3@127.0.0.1/tower",
    f"postgresql://ada:q1w2e3@{'long' * 20}/tower",
    f"postgresql://ada:q1w2e3@/tower?host=127.0.0.1,{'long' * 20}",
]


@pytest.mark.parametrize("url", WITH_PASSWORD)
def test_no_error_has_a_password_in_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FiretowerError) as raised:
        Store.open(url)
    assert "q1w2e3" not in raised.value.text


def test_location_keeps_all_but_the_passwords() -> None:
    url = f"{NOWHERE}?password=q1w2e3&passfile=/x&sslmode=require"
    location = Location.of(url)
    shown = NOWHERE.replace("q1w2e3", "***").replace("postgresql", "postgresql+psycopg")
    assert str(location) == f"{shown}?passfile=%2Fx&password=***&sslmode=require"
    assert location.url.query["password"] == "q1w2e3"
    for check in examine(url, utc_now()):
        assert "q1w2e3" not in check.said + check.hint


def test_words_of_the_driver_are_masked() -> None:
    location = Location.of("postgresql://ada@h/tower?password=q1w2e3")
    said = store_error(DBAPIError(None, None, Exception('bad "q1w2e3"')), location)
    assert said.message.endswith('failed: bad "***"')


def test_ports_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InvalidInput, match="port"):
        Database(Location.of(f"{NOWHERE}?host=a:1,b:2&port=1,2,3"))


@pytest.mark.parametrize(
    "url",
    [
        *(":memory:", "sqlite://", "sqlite:///:memory:", "sqlite:///%3Amemory%3A", "file::memory:"),
        *("sqlite:///file::memory:?uri=true", "sqlite:///file:x?mode=memory&cache=shared&uri=true"),
        *("sqlite:///file:?uri=true", "sqlite:////tmp/x?vfs=memdb", "file:tower.db?mode=memory"),
        *(" ", "tower.db\n", "'tower.db'", '"sqlite:///tower.db"', "$HOME/tower.db"),
        *("${HOME}/tower.db", "sqlite:////$HOME/tower.db"),
        *("dbname=tower", " host = db user=ada", "service=tower", "postgres:tower", "sqlite:/x.db"),
    ],
)
def test_what_keeps_nothing_or_is_no_file_is_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRETOWER_DATABASE_URL", url)
    with pytest.raises(InvalidInput):
        Store.open()
    assert not [*tmp_path.iterdir()]


def test_a_name_with_a_nul_character_is_refused() -> None:
    for url in (
        "tower\0.db",
        "sqlite:///tower\0.db",
        "postgresql://h/a\0b",
        "postgresql://u:%00@h/b",
    ):
        with pytest.raises(InvalidInput, match="NUL"):
            Location.of(url)


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    link, there = tmp_path / "tower.db", tmp_path / "there.db"
    link.symlink_to(there)
    with pytest.raises(StoreError, match="a link to a file that is not there"):
        Store.open(str(link))
    assert not there.exists()
    Store.open(str(there)).close()
    Store.open(str(link)).close()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path("/dev/null")):
        with pytest.raises(StoreError, match="a folder or a device"):
            Store.open(str(path))
        [check] = examine(str(path), utc_now())
        assert "a folder or a device" in check.said
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    for read_only in (False, True):
        with pytest.raises(StoreError):
            Store.open(str(circle), read_only=read_only)
    for name in ("n" * 300, "\ud800", "pipe/tower.db"):
        with pytest.raises(StoreError, match="cannot be made"):
            Store.open(str(tmp_path / name))


@pytest.mark.parametrize("end", ["-journal", "-wal", "-shm"])
def test_pipe_beside_a_database_is_told_and_not_opened(tmp_path: Path, end: str) -> None:
    Store.open(str(tmp_path / "tower.db")).close()
    os.mkfifo(tmp_path / f"tower.db{end}")
    for read_only in (False, True):
        with pytest.raises(StoreError, match=f"tower.db{end} is a folder or a device"):
            Store.open(str(tmp_path / "tower.db"), read_only=read_only)


def test_a_file_with_two_names_is_refused_until_it_has_one(tmp_path: Path) -> None:
    path, other = tmp_path / "our tower.db", tmp_path / "other one.db"
    with Tower(Store.open(str(path))) as tower:
        tower.create_registry("models")
        other.hardlink_to(path)
        for name in (path, other):
            with pytest.raises(StoreError, match=f"{name} has 2 names: changes under") as raised:
                Store.open(str(name))
            assert f"-samefile '{name}'`" in raised.value.hint
        other.unlink()
        with Tower(Store.open(str(path))) as again:
            assert [str(one.reference) for one in again.registries()] == ["models"]


def test_files_and_folders_that_others_may_write_are_told(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    with Tower(Store.open(str(path))) as tower:
        tower.create_registry("models")
        for writable, mode in (
            (path, 0o606),
            (tmp_path / "tower.db-wal", 0o602),
            (tmp_path, 0o707),
        ):
            before = writable.stat().st_mode
            writable.chmod(mode)
            [check] = [one for one in examine(str(path), utc_now()) if one.name == "rights"]
            assert check.health is Health.WARN
            assert check.hint.endswith(str(writable))
            writable.chmod(before)
        [check] = [one for one in examine(str(path), utc_now()) if one.name == "rights"]
        assert check.health is Health.OK
