"""A fresh database of each kind for every test of the store."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from firetower.store.store import Store
from postgres import running_server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "tower.db"
    Store.open(str(path)).close()
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    """A real server with one migrated database, to be copied."""
    with running_server() as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE template_tower")
        Store.open(server.get_uri("template_tower")).close()
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("FIRETOWER_SECRET_KEY", raising=False)
    if request.param == "sqlite":
        path = tmp_path / "tower.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield str(path)
        return
    server = request.getfixturevalue("postgresql")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS tower")
        connection.execute("CREATE DATABASE tower TEMPLATE template_tower")
        yield server.get_uri("tower")
        connection.execute("DROP DATABASE tower WITH (FORCE)")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store.open(database_url, author="ada")
    yield opened
    opened.close()
