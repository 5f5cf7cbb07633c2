"""What is forgotten, and what never is."""

from datetime import UTC, datetime, timedelta

import pytest

from firetower.core.errors import InvalidInput, NotFound
from firetower.core.events import EventType
from firetower.core.executions import Status
from firetower.store.events import build_events, newest_events, select_events
from firetower.store.follow import Follower
from firetower.store.store import Store
from store.bench import Bench
from store.test_queue_plans import statements
from towers import run


def fire(bench: Bench, alias: str, code: int | None = 200) -> int:
    """Fire once; return the event. Without an answer the execution stays under way."""
    bench.tower.add_alias(bench.version, alias)
    [claim] = bench.turn(room=1)
    if code is not None:
        bench.answer(claim, code)
    return claim.event.id


def aliases(bench: Bench) -> list[str | None]:
    return [execution.event.alias for execution in bench.executions]


def pruned(bench: Bench, days: int = 90) -> int:
    upkeep = bench.tower.upkeep
    before = upkeep.cutoff(timedelta(days=days))
    planned = upkeep.plan(before)
    batches = list(upkeep.prune(before))
    assert sum(batch.events for batch in batches) == planned.events
    assert sum(batch.executions for batch in batches) == planned.executions
    assert sum(batch.attempts for batch in batches) == planned.attempts
    assert upkeep.plan(before).events == 0
    return planned.executions


def test_an_old_event_goes_with_its_executions_and_attempts(store: Store) -> None:
    bench = Bench(store)
    bench.automate()
    bench.automate("never-fires", event_type=EventType.ADD_ARTIFACT_TAG)
    old = fire(bench, "old")
    fire(bench, "retrying", 500)
    bench.now += timedelta(days=100)
    for alias in ("young", "newest"):
        fire(bench, alias)
    assert pruned(bench) == 1
    assert aliases(bench) == ["retrying", "young", "newest"]
    with pytest.raises(NotFound):
        bench.tower.events.get(old)


def test_what_waits_or_is_under_way_stays(store: Store) -> None:
    bench = Bench(store)
    bench.automate()
    fire(bench, "running", None)
    fire(bench, "retrying", 500)
    bench.tower.add_alias(bench.version, "unevaluated")
    bench.now += timedelta(days=100)
    bench.tower.add_alias(bench.version, "newest")
    assert pruned(bench) == 0
    bench.turn()
    assert aliases(bench) == ["running", "retrying", "unevaluated", "newest"]


def test_each_automations_newest_firing_stays_whatever_its_age(store: Store) -> None:
    bench = Bench(store)
    bench.automate()
    fire(bench, "first")
    fire(bench, "last")
    bench.now += timedelta(days=1000)
    bench.tower.add_tag(bench.version, "newest")
    bench.turn()
    assert pruned(bench) == 1
    assert aliases(bench) == ["last"]
    assert bench.only.status is Status.FINISHED


def test_numbers_go_on_and_new_events_fire(store: Store) -> None:
    bench = Bench(store)
    bench.automate()
    last = max(fire(bench, alias) for alias in ("one", "two", "three"))
    bench.now += timedelta(days=1000)
    pruned(bench)
    bench.automate("second")
    bench.tower.add_alias(bench.version, "after")
    claims = bench.turn(room=2)
    assert len(claims) == 2
    assert {claim.event.id for claim in claims} == {last + 1}


def test_what_is_sent_again_between_two_batches_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firetower.store.prune.BATCH", 1)
    bench = Bench(store)
    bench.automate()
    for alias in ("one", "two", "three"):
        fire(bench, alias)
    two = bench.executions[1].id
    bench.now += timedelta(days=100)
    batches = bench.tower.upkeep.prune(bench.tower.upkeep.cutoff(timedelta(days=90)))
    next(batches)  # the events before the first execution have no execution
    bench.tower.executions.redeliver([two])
    list(batches)
    assert aliases(bench) == ["two", "three"]


def test_a_list_has_what_is_pruned_while_it_is_read(store: Store) -> None:
    bench, config = Bench(store), {"text": "x" * 20_000}
    bench.automate()
    bench.tower.runs.start("acme/vision", config=config)
    fire(bench, "old")
    bench.now += timedelta(days=100)
    fire(bench, "last")
    with store.reading() as reader:
        rows = reader.connection.execute(select_events()).all()
        assert pruned(bench) == 1
        [run] = [one.run for one in build_events(reader, rows) if one.run is not None]
        assert run.config == config
        assert len(newest_events(reader, 100)) == len(rows)
    assert len(bench.tower.events.newest(100)) == 1


def test_vacuum_is_refused_on_postgresql_before_events_go(store: Store) -> None:
    bench = Bench(store)
    bench.now = datetime.now(UTC) - timedelta(days=100)
    for alias in ("old", "newest"):
        bench.tower.add_alias(bench.version, alias)
    bench.turn()
    url = store.database.location.url.set(drivername=store.database.location.url.get_backend_name())
    done = run(
        url.render_as_string(hide_password=False).removeprefix("sqlite:///"),
        *("database", "prune", "--older-than", "90d", "--yes", "--vacuum"),
    )
    left = len(bench.tower.events.newest(100))
    said = done.stderr.partition(" events")[0]
    if store.database.is_sqlite:
        assert (done.returncode, left, said) == (0, 1, "Deleted 5")
    else:
        assert (done.returncode, left) == (1, 6)
        assert "Leave out --vacuum" in done.stderr


def test_who_follows_takes_no_prune_for_a_restored_backup(store: Store) -> None:
    bench = Bench(store)
    bench.automate("sends")
    bench.automate("records", records=True, event_type=EventType.ADD_ARTIFACT_TAG)
    for old in ("older", "old"):
        fire(bench, old)
    with store.reading() as reader:
        follower = Follower.from_now(reader)
    bench.tower.add_tag(bench.version, "last")
    bench.turn()
    for name in ("sends", "records"):
        bench.tower.automations.delete(name)
    bench.now += timedelta(days=100)
    bench.tower.add_tag(bench.version, "newest")
    bench.turn()
    with store.reading() as reader:
        assert len(follower.poll(reader)) == 1
    assert pruned(bench) == 1
    with store.reading() as reader:
        assert not follower.poll(reader)
    assert aliases(bench) == ["old", None]


def test_the_last_day_is_never_forgotten(store: Store) -> None:
    with pytest.raises(InvalidInput, match="last 24 hours"):
        Bench(store).tower.upkeep.cutoff(timedelta(hours=23))


def test_it_finds_the_past_by_its_index(store: Store) -> None:
    bench = Bench(store)
    bench.automate()
    fire(bench, "old")
    bench.now += timedelta(days=100)
    fire(bench, "newest")
    with statements() as run:
        list(bench.tower.upkeep.prune(bench.tower.upkeep.cutoff(timedelta(days=90))))
    explained = "EXPLAIN QUERY PLAN" if store.database.is_sqlite else "EXPLAIN"
    with store.reading() as reader:
        if not store.database.is_sqlite:
            reader.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = [
            str(tuple(step))
            for statement, values in run.items()
            if statement.startswith(("SELECT events", "SELECT exec", "DELETE"))
            for step in reader.connection.exec_driver_sql(f"{explained} {statement}", values)
        ]
    said = "\n".join(plans)
    if store.database.is_sqlite:  # PostgreSQL chooses among indexes by what it knows of the rows
        assert "ix_events_recorded" in said
        assert "ix_executions_event" in said
    for table in ("events", "executions", "attempts"):
        assert f"SCAN {table}" not in said
        assert f"Seq Scan on {table}" not in said
