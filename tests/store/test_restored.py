"""An older backup restored under those who have the database open: nothing kept is trusted."""

from datetime import timedelta

import pytest

from backup import take_backup
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.errors import DatabaseReplaced
from firetower.store.store import Store
from store.bench import Bench
from waiting import TIMEOUT


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def _later(bench: Bench) -> None:
    bench.now += timedelta(seconds=1)


def test_new_automations_fire_and_those_of_before_do_not(bench: Bench, database_url: str) -> None:
    bench.automate("old", records=True)
    bench.turn()
    restore = take_backup(database_url)
    _later(bench)
    bench.automate("gone", records=True)
    bench.tower.add_alias(bench.version, "production")
    bench.turn()
    assert {one.automation for one in bench.executions} == {"old", "gone"}
    bench.tower.automations.list()
    restore()
    _later(bench)
    bench.automate("new", records=True)
    assert [one.name for one in bench.tower.automations.list()] == ["new", "old"]
    bench.tower.add_alias(bench.version, "production")
    bench.turn()
    filed = {one.automation: bench.tower.executions.revision(one) for one in bench.executions}
    assert {name: revision.definition.name for name, revision in filed.items()} == {
        "old": "old",
        "new": "new",
    }


def test_an_automation_deleted_by_the_restore_does_not_fire(
    bench: Bench, database_url: str
) -> None:
    restore = take_backup(database_url)
    bench.automate(records=True)
    bench.turn()
    restore()
    bench.tower.add_alias(bench.version, "production")
    bench.turn()
    assert bench.executions == []
    assert bench.tower.automations.list() == []


def test_counts_of_firings_go_back_too(bench: Bench, database_url: str) -> None:
    bench.automate(records=True)
    restore = take_backup(database_url)
    bench.tower.add_alias(bench.version, "production")
    bench.turn()
    assert bench.tower.automations.list()[0].fired_24h == 1
    restore()
    assert bench.tower.automations.list()[0].fired_24h == 0


def test_an_endpoint_is_that_of_its_row(bench: Bench, database_url: str) -> None:
    restore = take_backup(database_url)
    for name in ("gone", "new"):
        bench.tower.endpoints.create(
            EndpointSettings(name=name, kind=EndpointKind.WEBHOOK, url=f"http://{name}.test/")
        )
        bench.turn()
        if name == "gone":
            restore()
    assert {one.name for one in bench.cache.endpoints.values()} == {"ci", "new"}


def test_an_event_is_of_the_collection_of_now(bench: Bench, database_url: str) -> None:
    restore = take_backup(database_url)
    for name in ("gone", "new"):
        bench.tower.log(f"acme/vision/{name}", type="model", empty=True)
        [event] = bench.tower.events.newest(1)
        assert event.subject == f"acme/vision/{name}:v0"
        if name == "gone":
            restore()


def test_an_answer_is_not_recorded_for_another_execution(bench: Bench, database_url: str) -> None:
    bench.automate()
    restore = take_backup(database_url)
    bench.tower.add_alias(bench.version, "gone")
    [before] = bench.turn(room=1)
    restore()
    bench.answer(before, 500)
    assert bench.executions == []
    bench.tower.add_alias(bench.version, "production")
    [claim] = bench.turn(room=1)
    assert claim.execution_id == before.execution_id
    bench.answer(before, 500)
    assert bench.only.status.value == "running"
    bench.answer(claim, 200)
    assert bench.only.status.value == "finished"


@pytest.mark.parametrize("as_much_happened_since", [False, True])
def test_those_who_follow_are_told(
    bench: Bench, database_url: str, *, as_much_happened_since: bool
) -> None:
    bench.automate(records=True)
    restore = take_backup(database_url)
    bench.tower.add_alias(bench.version, "gone")
    bench.turn()
    lines = bench.tower.executions.follow(wait=TIMEOUT)
    events = bench.tower.events.follow(0, wait=TIMEOUT)
    assert (list(next(lines)), len(next(events))) == ([], 5)
    restore()
    _later(bench)
    bench.tower.create_registry("others")
    if as_much_happened_since:
        bench.tower.add_alias(bench.version, "production")
        bench.turn()
    with pytest.raises(DatabaseReplaced, match="went back"):
        next(lines)
    with pytest.raises(DatabaseReplaced, match="went back"):
        next(events)
