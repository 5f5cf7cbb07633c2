"""How often, how long and when faults strike."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from firetower.store.store import Store
from store.conftest import postgresql, sqlite_template

__all__ = ["postgresql", "sqlite_template"]

Count = Callable[..., None]


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The test's own randomness: the same for the same seed, whatever else runs."""
    return random.Random(f"{request.config.option.seed} {request.node.name}")


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How many times as much as in the short form."""
    return 8 if request.config.option.long else 1


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Take down what is summed up at the end, as `kills=3`."""

    def take_down(**counts: int) -> None:
        for what, number in counts.items():
            record_property(what.replace("_", " "), number)

    return take_down


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A new database of each kind."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if request.param == "sqlite":
        path = tmp_path / "tower.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield str(path)
        return
    server: Any = request.getfixturevalue("postgresql")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS trial WITH (FORCE)")
        connection.execute("CREATE DATABASE trial")
    url = server.get_uri("trial")
    Store.open(url).close()
    yield url
