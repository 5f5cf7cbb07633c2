"""Servers on new databases."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import Running, serving


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Running]:
    """A server on a new database of each kind."""
    with serving(database_url, tmp_path) as found:
        yield found


@pytest.fixture
def on_sqlite(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    """A server on a new SQLite database."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    database = str(shutil.copy(sqlite_template, tmp_path / "tower.db"))
    with serving(database, tmp_path) as found:
        yield found
