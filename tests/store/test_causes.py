"""Automations that fire one another, on both databases."""

import pytest

from firetower.core.causes import LOOP_LIMIT
from firetower.core.errors import InvalidInput
from firetower.core.executions import SkipReason, Status
from firetower.core.points import Point
from firetower.settings import CAUSE
from firetower.store.store import Store
from firetower.tower import connect
from store.bench import Bench
from store.test_crossings import SECOND, watch


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


@pytest.mark.parametrize("near", [100_000, 0])
def test_a_chain_ends_at_its_limit_and_shows_what_led_to_it(
    bench: Bench, database_url: str, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    monkeypatch.setattr("firetower.store.executions._NEAR", near)
    bench.automate(records=True)
    bench.tower.add_alias(bench.version, "begin")
    bench.turn()
    for number in range(LOOP_LIMIT):
        cause = bench.executions[-1].webhook_id
        with connect(database_url, author="ada", cause=cause) as answering:
            answering.add_alias(bench.version, f"again-{number}")
        bench.turn()
    *fired, last = bench.executions
    assert {one.status for one in fired} == {Status.FINISHED}
    assert (last.status, last.skip_reason) == (Status.SKIPPED, SkipReason.LOOP)
    assert last.describe(str) == f"loop: {LOOP_LIMIT} automations fired one another"
    chain = bench.tower.executions.chain(last)
    assert [one.id for one in chain] == [one.id for one in reversed(fired)]
    assert last.event.as_data()["cause"] == fired[-1].webhook_id


def test_a_chain_through_metrics_of_runs_ends_at_its_limit(bench: Bench, database_url: str) -> None:
    watch(bench)
    cause = None
    for number in range(LOOP_LIMIT + 1):
        bench.now += SECOND
        with connect(database_url, author="ada", cause=cause) as answering:
            run = answering.runs.start("acme/vision", id=f"run{number}")
            answering.runs.log(run, [Point("loss", 0, 0.9)])
        bench.turn()
        cause = bench.executions[-1].webhook_id
    *fired, last = bench.executions
    assert {one.status for one in fired} == {Status.FINISHED}
    assert (len(fired), last.skip_reason) == (LOOP_LIMIT, SkipReason.LOOP)
    assert [one.id for one in bench.tower.executions.chain(last)] == [
        one.id for one in reversed(fired)
    ]


def test_the_environment_tells_the_cause(
    bench: Bench, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAUSE, "msg_ab12")
    with connect(database_url, author="ada") as answering:
        answering.add_alias(bench.version, "answered")
    [event] = bench.tower.events.newest(1)
    assert event.cause == "msg_ab12"
    monkeypatch.setenv(CAUSE, "not one")
    with pytest.raises(InvalidInput):
        connect(database_url, author="ada")


def test_a_cause_that_is_not_known_here_has_no_chain(bench: Bench, database_url: str) -> None:
    bench.automate(records=True)
    with connect(database_url, author="ada", cause="from-elsewhere") as answering:
        answering.add_alias(bench.version, "a")
    bench.turn()
    assert bench.tower.executions.chain(bench.only) == []
    assert bench.only.status is Status.FINISHED
