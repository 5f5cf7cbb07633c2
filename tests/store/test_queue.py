"""Evaluation, claims and records, on both databases."""

import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from firetower.core.actions import WebhookAction
from firetower.core.automations import Mode
from firetower.core.endpoints import EndpointKind
from firetower.core.executions import SkipReason, Status
from firetower.core.matching import Decision, match
from firetower.core.retry import DEFAULT_SCHEDULE, LOST
from firetower.store import events, schema
from firetower.store.events import newest_events
from firetower.store.queue import evaluate
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.claim import LEASE_MARGIN, SLOT, claim_due, count_due
from firetower.store.queue.record import recover
from firetower.store.store import Store
from store.bench import START, Bench


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def test_only_events_after_the_save_fire(bench: Bench) -> None:
    bench.tower.add_alias(bench.version, "before")
    bench.automate(records=True)
    bench.tower.add_alias(bench.version, "after")
    bench.turn()
    assert bench.only.event.alias == "after"
    assert bench.only.status is Status.FINISHED


def test_event_from_before_disabling_fires_after_it(
    bench: Bench,
) -> None:
    bench.automate(records=True)
    bench.tower.add_alias(bench.version, "enabled")
    bench.tower.automations.set_mode("deploy", Mode.DISABLED)
    bench.tower.add_alias(bench.version, "disabled")
    bench.tower.automations.set_mode("deploy", Mode.ENABLED)
    bench.tower.add_alias(bench.version, "again")
    bench.turn()
    assert [execution.event.alias for execution in bench.executions] == ["enabled", "again"]


def test_backlog_is_evaluated_by_the_revisions_of_its_time(bench: Bench) -> None:
    bench.automate(records=True)
    bench.tower.add_alias(bench.version, "first")
    bench.tower.automations.delete("deploy")
    bench.cache = AutomationCache()
    bench.turn()
    assert bench.only.event.alias == "first"


def test_a_worker_forgets_the_revisions_that_no_waiting_event_needs(bench: Bench) -> None:
    bench.automate(records=True)
    bench.turn()
    [first] = bench.tower.automations.revisions("deploy")
    bench.tower.add_alias(bench.version, "one")
    definition = first.definition
    for number in range(3):
        changed = definition.model_copy(update={"description": str(number)})
        bench.tower.automations.edit("deploy", changed)
    bench.turn()
    assert [execution.revision for execution in bench.executions] == [1]
    bench.tower.automations.set_mode("deploy", Mode.SHADOW)
    bench.turn()
    known = [
        revision.number
        for revision in bench.tower.automations.revisions("deploy")
        if bench.cache.index.revision(revision.id) is not None
    ]
    assert known == [5]


def test_evaluating_again_makes_no_second_execution(bench: Bench) -> None:
    bench.automate(records=True)
    bench.tower.add_alias(bench.version, "one")
    bench.turn()
    bench.turn()
    assert len(bench.executions) == 1


def test_a_cooldown_holds_back_and_says_until_when(bench: Bench) -> None:
    bench.automate(records=True, cooldown=timedelta(minutes=10))
    bench.tower.add_alias(bench.version, "one")
    bench.turn()
    bench.now += timedelta(minutes=3)
    bench.tower.add_alias(bench.version, "two")
    bench.turn()
    bench.now += timedelta(minutes=8)
    bench.tower.add_alias(bench.version, "three")
    bench.turn()
    one, two, three = bench.executions
    assert (one.status, three.status) == (Status.FINISHED, Status.FINISHED)
    assert (two.status, two.skip_reason) == (Status.SKIPPED, SkipReason.COOLDOWN)
    assert two.cooldown_until == START + timedelta(minutes=10)


def test_a_cooldown_under_a_clock_set_back_ends_after_its_own_length(bench: Bench) -> None:
    bench.automate(records=True, cooldown=timedelta(minutes=10))
    outcomes = []
    for minute in (0, -9, 1):
        bench.now = START + timedelta(minutes=minute)
        bench.tower.add_alias(bench.version, f"alias-{minute}")
        bench.turn()
        outcomes.append(bench.executions[-1].status)
    assert outcomes == [Status.FINISHED, Status.SKIPPED, Status.FINISHED]


def test_shadow_keeps_what_it_would_have_sent(bench: Bench) -> None:
    action = WebhookAction(endpoint="ci", payload='{"alias": "${alias}"}')
    bench.automate(action=action, mode=Mode.SHADOW)
    bench.tower.add_alias(bench.version, "one")
    assert bench.turn(room=9) == []
    assert (bench.only.status, bench.only.skip_reason) == (Status.SKIPPED, SkipReason.SHADOW)
    assert bench.only.request_body == '{"alias": "one"}'


def test_a_disabled_endpoint_leaves_an_execution_that_says_so(bench: Bench) -> None:
    bench.automate()
    bench.tower.endpoints.disable("ci", EndpointKind.WEBHOOK, "by ada")
    bench.tower.add_alias(bench.version, "one")
    assert bench.turn(room=9) == []
    assert bench.only.describe(str) == "endpoint ci is disabled: by ada"


def test_a_claim_is_leased_to_one_worker(bench: Bench) -> None:
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    [claim] = bench.turn(room=1)
    assert bench.only.status is Status.RUNNING
    assert bench.turn(room=9, worker="other") == []
    bench.answer(claim, 200)
    assert (bench.only.status, bench.only.status_code) == (Status.FINISHED, 200)


def test_an_endpoint_gets_no_more_than_it_has_room_for(bench: Bench) -> None:
    bench.automate()
    for number in range(5):
        bench.tower.add_alias(bench.version, f"alias-{number}")
    assert len(bench.turn(room=2)) == 2
    assert bench.next_look() is None  # there is room again when an answer comes
    assert len(bench.turn(room=9)) == 3


def test_a_failed_try_is_due_again_when_the_schedule_says(bench: Bench) -> None:
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    [claim] = bench.turn(room=1)
    bench.answer(claim, 503)
    due_at = START + timedelta(seconds=5)
    assert bench.only.next_attempt_at == due_at
    with bench.store.changing() as change:
        look = partial(claim_due, change, bench.cache, "w")
        assert look({1: 1}, is_ready=lambda _: pytest.fail("not due")) == ([], due_at)
        assert look({1: 0}) == ([], None)  # it looks again when an answer comes
        assert count_due(change, [1]) == 0
    bench.now += timedelta(seconds=5)
    with bench.store.reading() as reader:
        assert [count_due(reader, ids) for ids in ([], [1], [2])] == [0, 1, 0]
    [again] = bench.turn(room=1)
    with bench.store.reading() as reader:
        assert count_due(reader, [1]) == 0
    assert (again.number, again.retries_used) == (2, 1)
    assert again.webhook_id == claim.webhook_id
    bench.answer(again, 503)
    bench.tower.executions.redeliver([bench.only.id])
    [anew] = bench.turn(room=1)
    assert (anew.number, anew.retries_used) == (3, 0)


def test_lost_claim_is_due_again_and_fences_off_its_old_worker(
    bench: Bench,
) -> None:
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    [old] = bench.turn(room=1)
    bench.now += old.endpoint.settings.timeout + LEASE_MARGIN
    for lost in (0, 1):  # at the lease's end, and after it
        with bench.store.changing() as change:
            assert len(recover(change)) == lost
        bench.now += timedelta(microseconds=1)
    [new] = bench.turn(room=1, worker="other")
    assert (new.number, new.webhook_id) == (2, old.webhook_id)
    bench.answer(new, 200)
    bench.answer(old, 500)
    execution, attempts = bench.tower.executions.get(bench.only.id)
    assert execution.status is Status.FINISHED
    assert [(a.number, a.status_code, a.error) for a in attempts] == [
        (1, 500, None),
        (2, 200, None),
    ]


def test_the_claims_of_a_dead_worker_come_back_at_once(bench: Bench) -> None:
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    bench.turn(room=1, worker="dead")
    with bench.store.changing() as change:
        assert len(recover(change, ["dead"])) == 1
    assert (bench.only.status, bench.only.detail) == (Status.PENDING, LOST)


def test_execution_that_ends_workers_waits_by_schedule_then_fails(bench: Bench) -> None:
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    waits: list[timedelta] = []
    while not waits or bench.only.status is Status.PENDING:
        assert len(bench.turn(room=1, worker="doomed")) == 1
        with bench.store.changing() as change:
            assert len(recover(change, ["doomed"], jitter=lambda: 0)) == 1
        waits.append((bench.only.next_attempt_at or bench.now) - bench.now)
        bench.now += waits[-1]
    assert waits == [timedelta(0), *DEFAULT_SCHEDULE, timedelta(0)]
    execution, attempts = bench.tower.executions.get(bench.only.id)
    assert execution.status is Status.FAILED
    assert execution.detail == f"gave up, 11 attempts were lost: {LOST}"
    assert execution.finished_at == bench.now
    assert [attempt.outcome for attempt in attempts] == [Status.PENDING] * 10 + [Status.FAILED]
    assert bench.turn(room=1) == []
    bench.tower.executions.redeliver([execution.id])
    assert len(bench.turn(room=1)) == 1


def test_a_failed_try_between_lost_ones_goes_on_in_the_schedule(bench: Bench) -> None:
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    for expected in (timedelta(0), DEFAULT_SCHEDULE[1]):
        [claim] = bench.turn(room=1, worker="doomed")
        with bench.store.changing() as change:
            recover(change, ["doomed"], jitter=lambda: 0)
        assert bench.only.next_attempt_at == bench.now + expected
        bench.now += expected
        [claim] = bench.turn(room=1)
        bench.answer(claim, 503)
        assert bench.only.next_attempt_at is not None
        bench.now = bench.only.next_attempt_at
    assert claim.retries_used == 2


@pytest.mark.parametrize(
    ("limit", "most", "left"), [(2, 9, [1, 0]), (3, 9, [0, 0]), (9, 1, [2, 1, 0])]
)
def test_a_turn_says_whether_events_are_left(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, limit: int, most: int, left: list[int]
) -> None:
    monkeypatch.setattr(events, "MAX_TEXT", most)
    bench.automate(records=True)
    for number in range(3):
        bench.tower.add_alias(bench.version, f"alias-{number}")
    for count in left:
        bench.turn(limit=limit)
        assert len(bench.executions) == 3 - count
        assert bench.more or count == 0
    assert not bench.more


def test_a_turn_takes_no_more_configs_than_the_memory_holds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_TEXT", 1)
    left = []
    for number in range(2):
        bench.tower.runs.start("acme/vision", id=f"run{number}")
    for _ in range(2):
        bench.turn()
        left.append(bench.more)
    assert left == [True, False]


def test_long_bodies_are_written_before_more_are_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "MAX_TEXT", 10)
    bench.automate(mode=Mode.SHADOW)
    for number in range(5):
        bench.tower.add_alias(bench.version, f"alias-{number}")
    count = select(func.count()).select_from(schema.executions)
    written = []
    with bench.store.changing() as change:
        bench.cache.refresh(change)
        fired = match(newest_events(change, 5), bench.cache.index)

        def decisions() -> Iterator[Decision]:
            shadow = SkipReason.SHADOW
            for revision, event in fired:
                written.append(change.connection.execute(count).scalar_one())
                yield Decision(revision, event, Status.SKIPPED, shadow, request_body="12345")

        kept = evaluate.write_executions(change, decisions())
    assert written == [0, 0, 2, 2, 4]
    assert [one.request_body for one in kept] == [None] * 5
    assert [one.request_body for one in bench.executions] == ["12345"] * 5


def test_evaluated_events_are_marked(bench: Bench) -> None:
    with bench.store.reading() as reader:
        waiting = reader.connection.execute(
            select(schema.events.c.id).where(schema.events.c.evaluated.is_(False))
        ).all()
    assert waiting == []


@pytest.mark.parametrize("size", [9_999, 10_000, 1_000_000])
def test_a_cycle_takes_no_more_long_events_than_the_memory_holds(bench: Bench, size: int) -> None:
    text = "x" * size
    bench.tower.update(bench.version, metadata={"text": text})
    bench.automate()
    for name in ("one", "two"):
        bench.automate(name, mode=Mode.SHADOW)
    for number in range(40):
        bench.tower.add_alias(bench.version, f"alias-{number}")
    tracemalloc.start()
    claims = bench.turn(room=16)
    _, peak = tracemalloc.get_traced_memory()
    assert peak < 60_000_000
    assert {claim.event.as_data()["metadata"]["text"] for claim in claims} == {text}
    assert len(claims) == (1 if size > SLOT else 16)
    tracemalloc.reset_peak()
    listed = bench.tower.events.newest(40)  # that share one version
    assert {event.as_data()["metadata"]["text"] for event in listed} == {text}
    evaluated = 9 if size > SLOT else 40
    assert len(bench.tower.executions.newest(200)) == 3 * evaluated
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()
    bench.turn()
    assert len(bench.tower.executions.newest(200)) == 3 * min(40, 2 * evaluated)
