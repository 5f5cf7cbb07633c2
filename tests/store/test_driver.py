"""Statements that the driver runs alone: as SQLAlchemy runs them, errors too."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select

from firetower.core.errors import StoreError
from firetower.store import schema
from firetower.store.driver import Prepared, run, run_with_ids
from firetower.store.store import Store
from firetower.tower import Tower

_containers = schema.containers.c


def test_a_prepared_statement_returns_what_sqlalchemy_does(store: Store) -> None:
    Tower(store).create_registry("models", "100 % ?")
    query = select(
        _containers.created_at.label("made"),
        _containers.id,
        _containers.description == "100 % ?",
        select(_containers.name).where(_containers.entity == "none").scalar_subquery(),
    ).where(
        _containers.kind == bindparam("kind"),
        _containers.name == "models",
        _containers.created_at > datetime(2020, 1, 1, tzinfo=UTC),
    )
    with store.reading() as reader:
        expected = reader.connection.execute(query, {"kind": "registry"}).all()
        found = Prepared(query).rows(reader.connection, kind="registry")
        assert found == expected
        assert found[0].made == expected[0].made
        assert Prepared(query).first(reader.connection, kind="project") is None
        ids = [expected[0].id, -1]
        statement = "SELECT name FROM containers WHERE kind = ? AND id IN ({ids})"
        assert run_with_ids(reader.connection, statement, ids, "registry") == [("models",)]
    with pytest.raises((KeyError, StoreError)), store.reading() as reader:
        Prepared(query).rows(reader.connection)  # nothing is NULL because it was forgotten


def test_what_the_driver_refuses_undoes_the_change(store: Store) -> None:
    def insert(times: int) -> None:
        with store.changing() as change:
            for _ in range(times):
                run(change.connection, "INSERT INTO state (key, value) VALUES (?, 'x')", ("once",))

    with pytest.raises(StoreError):
        insert(2)
    insert(1)
