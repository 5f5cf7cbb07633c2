"""Databases that cannot be changed now: said, and nothing is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from firetower.core.errors import StoreError, StoreLocked
from firetower.store.store import Store
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


def test_a_read_only_database_can_be_read_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    with Tower(Store.open(str(path))) as first:
        first.create_registry("models")
    with Tower(Store.open(f"sqlite:///file:{path}?mode=ro&uri=true")) as tower:
        with pytest.raises(StoreError, match="is read-only"):
            tower.create_registry("audio")
        assert [str(found.reference) for found in tower.registries()] == ["models"]
