"""Operating on both engines: an examination, and a role on PostgreSQL that owns nothing."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from firetower.core.errors import StoreError
from firetower.core.health import Health
from firetower.store.doctor import examine
from firetower.store.schema import migrate
from firetower.store.store import Store
from firetower.tower import connect
from store.bench import START, Bench

ROLE = """
DROP ROLE IF EXISTS firetower_use;
CREATE ROLE firetower_use LOGIN NOSUPERUSER;
GRANT USAGE ON SCHEMA public TO firetower_use;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO firetower_use;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO firetower_use;
"""
"""As in the README."""


def test_an_examination_finds_a_database_well(store: Store, database_url: str) -> None:
    found = {check.name: check.health for check in examine(database_url, datetime.now(UTC))}
    assert found.pop("workers") is Health.WARN
    assert set(found.values()) == {Health.OK}, found


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_role_that_owns_nothing_can_do_all_but_migrate(
    database_url: str, postgresql: Any
) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(ROLE)
        try:
            url = make_url(database_url).set(username="firetower_use")
            used = url.render_as_string(hide_password=False)
            _use(used)
            with psycopg.connect(used) as there, pytest.raises(psycopg.Error, match="owner"):
                there.execute("ALTER TABLE events ADD COLUMN more integer")
        finally:
            owner.execute("DROP OWNED BY firetower_use; DROP ROLE firetower_use")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_urls_options_reach_the_server(database_url: str) -> None:
    url = make_url(database_url).update_query_dict({"sslmode": "nonsense"})
    with pytest.raises(StoreError, match="sslmode"):
        connect(url.render_as_string(hide_password=False))


def _use(url: str) -> None:
    with connect(url) as tower:
        assert tower.registries() == []
    store = Store.open(url, author="ada")
    try:
        bench = Bench(store)
        bench.automate()
        bench.tower.secrets.set("TOKEN", "value")
        bench.tower.add_alias(bench.version, "production")
        [claim] = bench.turn(room=1)
        bench.answer(claim, 202)
        assert bench.only.finished_at == START
        assert migrate(store.database)
    finally:
        store.close()
    with connect(url, read_only=True) as tower, pytest.raises(StoreError):
        tower.create_registry("other")
