"""Operating on both engines: an examination, and a role on PostgreSQL that owns nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.errors import StoreError
from firetower.core.executions import Status
from firetower.core.health import Health
from firetower.core.requests import RecordedRequest
from firetower.core.retry import Answer, Verdict
from firetower.store import doctor
from firetower.store.doctor import examine
from firetower.store.migrate import migrate_schema
from firetower.store.queue.record import AttemptResult, record
from firetower.store.store import Store
from firetower.store.workers import record_heartbeat
from firetower.tower import connect
from postgres import SharedDatabase
from store.bench import START, Bench

ROLE = """
DROP ROLE IF EXISTS firetower_use;
CREATE ROLE firetower_use LOGIN NOSUPERUSER;
GRANT USAGE ON SCHEMA public TO firetower_use;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO firetower_use;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO firetower_use;
"""
"""As in the README."""


def test_an_examination_finds_a_database_well(
    store: Store, database_url: str, request: pytest.FixtureRequest
) -> None:
    if not store.database.is_sqlite:
        database: SharedDatabase = request.getfixturevalue("postgresql_database")
        assert health_of(database_url)["database"] is Health.WARN
        database.set_durable(on=True)
        request.addfinalizer(lambda: database.set_durable(on=False))
    found = health_of(database_url)
    assert found.pop("workers") is Health.WARN
    assert set(found.values()) == {Health.OK}, found


def health_of(url: str) -> dict[str, Health]:
    return {check.name: check.health for check in examine(url, datetime.now(UTC))}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_clocks_that_are_apart_are_told(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(minutes=1)

    monkeypatch.setattr(doctor, "datetime", Ahead)
    [clock] = [check for check in examine(database_url, datetime.now(UTC)) if check.name == "clock"]
    assert clock.health is Health.WARN
    assert clock.said in {f"{seconds} s apart from the server's" for seconds in (59, 60, 61)}
    assert "NTP" in clock.hint


def test_a_backlog_is_told_once_it_is_late(store: Store, database_url: str) -> None:
    bench = Bench(store)
    bench.automate()
    bench.tower.add_alias(bench.version, "production")
    bench.turn()
    for seconds, late, health in ((59, "59s", Health.OK), (61, "1m1s", Health.WARN)):
        checks = examine(database_url, bench.now + timedelta(seconds=seconds))
        [backlog] = [one for one in checks if one.name == "backlog"]
        assert (backlog.health, backlog.said) == (health, f"1 due, the oldest for {late}")


def test_endpoints_that_fail_are_told_beside_disabled_ones(store: Store, database_url: str) -> None:
    bench = Bench(store)
    bench.now = datetime.now(UTC)
    bench.automate()
    bench.tower.add_alias(bench.version, "production")
    [claim] = bench.turn(room=1)
    verdict = Verdict(Status.FAILED, detail="gone wrong")
    request = RecordedRequest("http://ci.test/", {}, "{}")
    outcome = AttemptResult(claim, request, Answer(400), verdict, bench.now, timedelta(0))
    with store.changing() as change:
        record(change, [outcome])
    bench.tower.endpoints.create(
        EndpointSettings(name="old", kind=EndpointKind.WEBHOOK, url="http://old.test/")
    )
    bench.tower.endpoints.disable("old", EndpointKind.WEBHOOK)
    found = {check.name: check for check in examine(database_url, datetime.now(UTC))}
    assert found["endpoints"].said == "disabled: old; failed within a day: ci (1)"


def test_events_that_no_living_worker_evaluates_are_told(store: Store, database_url: str) -> None:
    bench = Bench(store)
    now = datetime.now(UTC)
    bench.now = now - timedelta(minutes=3)
    bench.tower.add_alias(bench.version, "one", "two")
    [alone] = [check for check in examine(database_url, now) if check.name == "events"]
    assert alone.said == "2 wait for their evaluation, the oldest for 3m"
    assert alone.health is Health.WARN
    with store.changing() as change:
        record_heartbeat(replace(change, now=datetime.now(UTC)), "w")
    assert health_of(database_url)["events"] is Health.FAIL
    bench.turn()
    assert health_of(database_url)["events"] is Health.OK


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
        assert migrate_schema(store.database)
    finally:
        store.close()
    with connect(url, read_only=True) as tower, pytest.raises(StoreError):
        tower.create_registry("other")
