"""A database opened to be looked at."""

import pytest
from sqlalchemy import text

from firetower.core.errors import StoreError
from firetower.store.store import Store
from firetower.tower import connect


def test_it_reads_and_refuses_changes(store: Store, database_url: str) -> None:
    with connect(database_url) as tower:
        tower.create_registry("models")
    with connect(database_url, read_only=True) as tower:
        assert [str(one.reference) for one in tower.registries()] == ["models"]
        with pytest.raises(StoreError, match="opened read-only"):
            tower.create_registry("other")


def test_the_database_itself_refuses(database_url: str) -> None:
    looking = Store.open(database_url, read_only=True)
    try:
        with pytest.raises(StoreError, match="read-only"), looking.reading() as reader:
            reader.connection.execute(text("DELETE FROM state"))
    finally:
        looking.close()


@pytest.mark.parametrize(("value", "refused"), [("1", True), ("true", True), ("0", False)])
def test_the_environment_asks_for_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch, value: str, *, refused: bool
) -> None:
    monkeypatch.setenv("FIRETOWER_READ_ONLY", value)
    with connect(database_url) as tower:
        assert tower.read_only is refused


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_read_only_sets_nothing_in_a_pooled_session(
    database_url: str,
) -> None:
    with connect(database_url, read_only=True) as tower, tower._store.reading() as reader:
        tells = reader.connection.exec_driver_sql
        assert tells("SHOW transaction_read_only").scalar_one() == "on"
        assert tells("SHOW default_transaction_read_only").scalar_one() == "off"
