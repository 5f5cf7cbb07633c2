"""Circuits of endpoints that fail again and again, on both databases."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from firetower.core.circuits import FAILURES_TO_OPEN, FIRST_PAUSE, LONGEST_PAUSE, Circuit
from firetower.core.executions import Status
from firetower.core.integrations import IntegrationKind
from firetower.store import tables
from firetower.store.queue.recover import recover
from firetower.store.queue.turn import LEASE_MARGIN, Claim
from firetower.store.redelivery import APART
from firetower.store.store import Store
from store.bench import Bench

LATE = timedelta(hours=1)


@pytest.fixture
def bench(store: Store) -> Bench:
    bench = Bench(store)
    bench.automate()
    return bench


def circuit(bench: Bench) -> Circuit | None:
    return bench.tower.integrations.find("ci").circuit


def fire(bench: Bench, count: int, prefix: str = "a") -> None:
    for number in range(count):
        bench.tower.add_alias(bench.version, f"{prefix}{number}")


def open_circuit(bench: Bench) -> Circuit:
    """Let the circuit open by five executions that fail."""
    fire(bench, FAILURES_TO_OPEN)
    for claim in bench.turn(room=FAILURES_TO_OPEN):
        bench.answer(claim, 503)
    found = circuit(bench)
    assert found is not None
    return found


def probe(bench: Bench) -> Claim:
    """Wait for the next probe, and take it."""
    found = circuit(bench)
    assert found is not None
    bench.now = max(found.probe_at, bench.now)
    [claim] = bench.turn(room=9)
    assert claim.probe
    return claim


def retries_used(bench: Bench) -> Sequence[int]:
    executions = tables.executions.c
    with bench.store.reading() as connection:
        query = select(executions.retries_used).order_by(executions.id)
        return connection.execute(query).scalars().all()


def test_it_opens_at_the_fifth_failure_in_a_row(bench: Bench) -> None:
    fire(bench, FAILURES_TO_OPEN)
    claims = bench.turn(room=9)
    for claim in claims[:-1]:
        bench.answer(claim, 503)
        assert circuit(bench) is None
    bench.answer(claims[-1], 503)
    found = circuit(bench)
    assert found is not None
    assert (found.failures, found.reason) == (FAILURES_TO_OPEN, "503")
    assert abs(found.probe_at - bench.now - FIRST_PAUSE) <= 0.2 * FIRST_PAUSE


@pytest.mark.parametrize("code", [200, 400, 404, 422])
def test_an_answer_that_shows_that_it_works_begins_the_count_anew(bench: Bench, code: int) -> None:
    fire(bench, 2 * FAILURES_TO_OPEN)
    claims = bench.turn(room=20)
    for number, claim in enumerate(claims):
        bench.answer(claim, code if number == FAILURES_TO_OPEN - 1 else 503)
        if number < 2 * FAILURES_TO_OPEN - 1:
            assert circuit(bench) is None
    assert circuit(bench) is not None


def test_while_it_is_open_one_probe_at_a_time_goes_out(bench: Bench) -> None:
    found = open_circuit(bench)
    fire(bench, 3, "b")
    assert bench.turn(room=9) == []
    assert [one.status for one in bench.executions[-3:]] == [Status.PENDING] * 3
    bench.now = found.probe_at
    assert len(bench.turn(room=9)) == 1
    assert bench.turn(room=9) == []
    assert bench.turn(room=9, worker="another") == []


def test_what_is_held_says_until_when(bench: Bench) -> None:
    found = open_circuit(bench)
    fire(bench, 1, "b")
    bench.turn(room=9)
    held = bench.executions[-1]
    assert held.due_at == found.probe_at
    assert held.explanation("12:04:31") == "held: circuit of ci open until 12:04:31"
    assert held.as_data()["status"] == "pending"


def test_an_outage_uses_up_no_wait_and_pauses_grow(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 2, "b")
    bench.turn(room=9)
    before = retries_used(bench)
    pauses = []
    tried = set()
    for _ in range(30):
        claim = probe(bench)
        tried.add(claim.execution_id)
        bench.answer(claim, 503)
        found = circuit(bench)
        assert found is not None
        pauses.append(found.probe_at - bench.now)
    assert retries_used(bench) == before
    assert all(one.status is Status.PENDING for one in bench.executions)
    assert len(tried) == len(before)  # one that brings its endpoint down holds up no other
    assert 0.8 * 2 * FIRST_PAUSE <= pauses[0] <= 1.2 * 2 * FIRST_PAUSE
    assert 0.8 * LONGEST_PAUSE <= pauses[-1] <= 1.2 * LONGEST_PAUSE


def test_the_first_success_closes_it_and_the_backlog_goes_out_slowly(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 3, "b")
    bench.turn(room=9)
    claim = probe(bench)
    bench.now += LATE
    bench.answer(claim, 202)
    assert circuit(bench) is None
    waiting = [one for one in bench.executions if one.status is Status.PENDING]
    due = sorted(one.due_at for one in waiting if one.due_at is not None)
    assert due == [bench.now + number * APART for number in range(len(waiting))]
    assert len(bench.turn(room=9)) == 1


def test_an_answer_to_what_was_under_way_before_puts_off_no_probe(bench: Bench) -> None:
    fire(bench, FAILURES_TO_OPEN + 1)
    claims = bench.turn(room=9)
    for claim in claims[:-1]:
        bench.answer(claim, 503)
    found = circuit(bench)
    assert found is not None
    bench.now += timedelta(seconds=5)
    bench.answer(claims[-1], 503)
    after = circuit(bench)
    assert after is not None
    assert (after.probe_at, after.failures) == (found.probe_at, FAILURES_TO_OPEN + 1)


def test_a_worker_killed_with_the_probe_leaves_it_to_the_next(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 1, "b")
    bench.turn(room=9)
    probe(bench)
    bench.now += timedelta(seconds=10) + LEASE_MARGIN + timedelta(seconds=1)
    with bench.store.changing() as change:
        assert len(recover(change.connection, bench.now)) == 1
    assert probe(bench).probe


def test_two_workers_with_an_old_picture_take_one_probe(bench: Bench) -> None:
    found = open_circuit(bench)
    fire(bench, 2, "b")
    bench.turn(room=9)
    bench.now = found.probe_at
    taken = [claim for name in ("one", "two", "three") for claim in bench.turn(9, name)]
    assert len(taken) == 1


def test_enabling_by_hand_closes_it(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 2, "b")
    bench.turn(room=9)
    bench.tower.integrations.enable("ci", IntegrationKind.WEBHOOK)
    assert circuit(bench) is None
    assert len(bench.turn(room=9)) == 1


def test_the_app_is_told_of_it(bench: Bench) -> None:
    before = bench.tower.mark()
    open_circuit(bench)
    fire(bench, 1, "b")
    opened = bench.tower.mark()
    assert opened != before
    bench.tower.integrations.enable("ci", IntegrationKind.WEBHOOK)
    assert bench.tower.mark() != opened
