"""Circuits of endpoints that fail again and again, on both databases."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from firetower.core.circuit_breaker import (
    FAILING_TO_OPEN,
    FAILURES_TO_OPEN,
    FIRST_PROBE_DELAY,
    LONGEST_PROBE_DELAY,
    Circuit,
)
from firetower.core.endpoints import EndpointKind, EndpointState
from firetower.core.executions import Status
from firetower.core.retry import DEFAULT_SCHEDULE
from firetower.store import schema
from firetower.store.queue.claim import LEASE_MARGIN, Claim
from firetower.store.queue.record import recover
from firetower.store.redelivery import REDELIVERY_INTERVAL
from firetower.store.store import Store
from store.bench import Bench

LATE = timedelta(hours=1)


@pytest.fixture
def bench(store: Store) -> Bench:
    bench = Bench(store)
    bench.automate()
    return bench


def circuit(bench: Bench) -> Circuit | None:
    return bench.tower.endpoints.find("ci").circuit


def fire(bench: Bench, count: int, prefix: str = "a") -> None:
    for number in range(count):
        bench.tower.add_alias(bench.version, f"{prefix}{number}")


def open_circuit(bench: Bench) -> Circuit:
    """Let the circuit open by five executions that fail, the last of them after a minute."""
    fire(bench, FAILURES_TO_OPEN)
    fail(bench, bench.turn(room=FAILURES_TO_OPEN))
    found = circuit(bench)
    assert found is not None
    return found


def fail(bench: Bench, claims: Sequence[Claim]) -> None:
    """Let tries fail, the last of them after a minute."""
    for claim in claims[:-1]:
        bench.answer(claim, 503)
    bench.now += FAILING_TO_OPEN
    bench.answer(claims[-1], 503)


def probe(bench: Bench) -> Claim:
    """Wait for the next probe, and take it; what is tried again meanwhile fails."""
    found = circuit(bench)
    assert found is not None
    bench.now = max(found.probe_at, bench.now)
    claims = bench.turn(room=50)
    for claim in claims:
        if not claim.probe:
            bench.answer(claim, 503)
    [claim] = [claim for claim in claims if claim.probe]
    return claim


def waits_of(bench: Bench, execution_id: int) -> int:
    """Return how many waits of its schedule an execution has used."""
    executions = schema.executions.c
    with bench.store.reading() as reader:
        query = select(executions.retries_used).where(executions.id == execution_id)
        return int(reader.connection.execute(query).scalar_one())


def test_an_answer_recorded_twice_counts_once(bench: Bench) -> None:
    fire(bench, 1)
    [claim] = bench.turn(room=1)
    bench.answer(claim, 503)
    bench.tower.executions.redeliver([bench.only.id])
    before = bench.only
    bench.answer(claim, 503)
    assert bench.only == before
    with bench.store.reading() as reader:
        query = select(schema.circuits.c.failures)
        assert reader.connection.execute(query).scalars().all() == [1]


def test_circuit_opens_at_five_failures_that_last_a_minute(bench: Bench) -> None:
    fire(bench, 2 * FAILURES_TO_OPEN)
    claims = bench.turn(room=20)
    for claim in claims[:FAILURES_TO_OPEN]:
        bench.answer(claim, 503)
    bench.now += FAILING_TO_OPEN - timedelta(milliseconds=1)
    bench.answer(claims[-2], 503)
    assert circuit(bench) is None
    bench.now += timedelta(milliseconds=1)
    bench.answer(claims[-1], 503)
    found = circuit(bench)
    assert found is not None
    assert (found.failures, found.opened_at) == (FAILURES_TO_OPEN + 2, bench.now)


def test_it_does_not_open_for_few_failures_however_long_they_last(bench: Bench) -> None:
    fire(bench, FAILURES_TO_OPEN)
    claims = bench.turn(room=9)
    for claim in claims[:-1]:
        bench.now += LATE
        bench.answer(claim, 503)
        assert circuit(bench) is None
    bench.answer(claims[-1], 503)
    found = circuit(bench)
    assert found is not None
    assert (found.failures, found.reason) == (FAILURES_TO_OPEN, "503")
    assert abs(found.probe_at - bench.now - FIRST_PROBE_DELAY) <= 0.2 * FIRST_PROBE_DELAY


@pytest.mark.parametrize("code", [200, 400, 404, 422])
def test_an_answer_that_shows_that_it_works_begins_the_count_anew(bench: Bench, code: int) -> None:
    fire(bench, 2 * FAILURES_TO_OPEN)
    claims = bench.turn(room=20)
    for number, claim in enumerate(claims):
        bench.now += FAILING_TO_OPEN / 3
        bench.answer(claim, code if number == FAILURES_TO_OPEN - 1 else 503)
        if number < 2 * FAILURES_TO_OPEN - 1:
            assert circuit(bench) is None
    assert circuit(bench) is not None


def test_while_it_is_open_one_probe_at_a_time_goes_out(bench: Bench) -> None:
    found = open_circuit(bench)
    fire(bench, 3, "b")
    assert not any(claim.number == 1 for claim in bench.turn(room=9))
    assert [one.status for one in bench.executions[-3:]] == [Status.PENDING] * 3
    bench.now = found.probe_at
    assert [claim.number for claim in bench.turn(room=1)] == [2]  # a retry takes the room
    assert bench.next_look() is None
    assert [claim.number for claim in bench.turn(room=9) if claim.probe] == [1]
    assert bench.turn(room=9) == []
    assert bench.turn(room=9, worker="another") == []


def test_retries_follow_their_schedule_and_fail_at_its_end(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 2, "b")
    for _ in range(100):
        for claim in bench.turn(room=50):
            bench.answer(claim, 503)
        bench.now += timedelta(hours=2)
    tried = [one for one in bench.executions if one.attempts > 0]
    assert len(tried) == FAILURES_TO_OPEN + 2
    assert {one.status for one in tried} == {Status.FAILED}
    assert {one.attempts for one in tried} == {len(DEFAULT_SCHEDULE) + 1}
    assert circuit(bench) is not None


def test_a_retry_that_succeeds_closes_it(bench: Bench) -> None:
    found = open_circuit(bench)
    fire(bench, 1, "b")
    bench.now += timedelta(seconds=10)
    assert bench.now < found.probe_at
    retry, *_ = bench.turn(room=9)
    assert not retry.probe
    bench.answer(retry, 200)
    assert circuit(bench) is None
    assert [claim.number for claim in bench.turn(room=9)] == [1]


def test_a_retry_that_fails_puts_off_no_probe(bench: Bench) -> None:
    found = open_circuit(bench)
    bench.now += timedelta(seconds=10)
    for claim in bench.turn(room=9):
        bench.answer(claim, 503)
    after = circuit(bench)
    assert after is not None
    assert after.probe_at == found.probe_at
    assert after.failures > found.failures


def test_an_endpoint_has_missed_what_ended_since_its_circuit_opened(bench: Bench) -> None:
    assert bench.tower.endpoints.stopped() == []
    open_circuit(bench)
    [detail] = bench.tower.endpoints.stopped()
    assert detail.summary == "circuit open (5 queued)"
    for _ in range(len(DEFAULT_SCHEDULE)):
        bench.now += timedelta(days=2)
        fail(bench, bench.turn(room=50))
    fire(bench, 2, "b")
    bench.turn()
    [detail] = bench.tower.endpoints.stopped()
    assert (detail.queued, detail.missed) == (2, FAILURES_TO_OPEN)
    assert detail.counts == "2 queued, 5 missed"
    assert detail.describe(str).endswith(" (2 queued, 5 missed)")
    assert bench.tower.endpoints.enable("ci", EndpointKind.WEBHOOK).missed == 5
    assert bench.tower.endpoints.stopped() == []
    bench.tower.endpoints.disable("ci", EndpointKind.WEBHOOK)
    [detail] = bench.tower.endpoints.stopped()
    assert detail.endpoint.state is EndpointState.DISABLED
    assert detail.queued == 2


def test_what_is_held_says_until_when(bench: Bench) -> None:
    found = open_circuit(bench)
    fire(bench, 1, "b")
    bench.turn(room=9)
    held = bench.executions[-1]
    assert held.circuit_open_until == held.next_attempt_at == found.probe_at
    assert held.describe(lambda _: "12:04:31") == "next probe 12:04:31, circuit of ci is open"
    assert held.as_data()["status"] == "pending"


def test_a_probe_is_an_ordinary_try_and_pauses_grow(bench: Bench) -> None:
    opened_at = open_circuit(bench).opened_at
    fire(bench, 12, "b")
    bench.turn()
    pauses = []
    tried = []
    for _ in range(12):
        claim = probe(bench)
        assert claim.number == 1
        tried.append(claim.execution_id)
        bench.answer(claim, 503)
        assert waits_of(bench, claim.execution_id) == 1
        found = circuit(bench)
        assert found is not None
        assert found.opened_at == opened_at
        pauses.append(found.probe_at - bench.now)
    assert len(set(tried)) == len(tried)
    assert 0.8 * 2 * FIRST_PROBE_DELAY <= pauses[0] <= 1.2 * 2 * FIRST_PROBE_DELAY
    assert 0.8 * LONGEST_PROBE_DELAY <= pauses[-1] <= 1.2 * LONGEST_PROBE_DELAY


def test_the_first_success_closes_it_and_the_backlog_goes_out_slowly(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 4, "b")
    bench.turn()
    claim = probe(bench)
    bench.answer(claim, 202)
    assert circuit(bench) is None
    held = [one for one in bench.executions if one.attempts == 0]
    due = [one.next_attempt_at for one in held if one.next_attempt_at is not None]
    assert due == [bench.now + number * REDELIVERY_INTERVAL for number in range(3)]
    assert len([claim for claim in bench.turn(room=9) if claim.number == 1]) == 1


def test_an_answer_to_what_was_under_way_before_puts_off_no_probe(bench: Bench) -> None:
    fire(bench, FAILURES_TO_OPEN + 1)
    claims = bench.turn(room=9)
    fail(bench, claims[:-1])
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
    bench.turn()
    probe(bench)
    bench.now += timedelta(seconds=10) + LEASE_MARGIN + timedelta(seconds=1)
    with bench.store.changing() as change:
        assert len(recover(change)) == 1
    fire(bench, 1, "c")
    bench.turn()
    assert probe(bench).number == 1


def test_two_workers_with_an_old_picture_take_one_probe(bench: Bench) -> None:
    found = open_circuit(bench)
    fire(bench, 2, "b")
    bench.turn(room=9)
    bench.now = found.probe_at
    taken = [claim for name in ("one", "two", "three") for claim in bench.turn(9, name)]
    assert [claim.number for claim in taken].count(1) == 1


def test_the_next_look_is_when_a_retry_or_a_probe_is_due(bench: Bench) -> None:
    probe_at = open_circuit(bench).probe_at
    fire(bench, 2, "b")
    assert len(bench.turn(room=9)) == FAILURES_TO_OPEN - 1
    assert bench.next_look() == bench.now + DEFAULT_SCHEDULE[0]  # that of the last
    bench.now += DEFAULT_SCHEDULE[0]
    assert len(bench.turn(room=9)) == 1
    assert bench.next_look() == probe_at
    bench.now = probe_at
    [claim] = bench.turn(room=9)
    assert claim.probe
    assert bench.next_look() == bench.now + claim.endpoint.settings.timeout + LEASE_MARGIN
    assert bench.turn(room=9, worker="with an old picture") == []
    assert bench.next_look() == bench.now + timedelta(seconds=1)


def test_a_probe_waits_for_something_due_under_a_clock_set_back(bench: Bench) -> None:
    probe_at = open_circuit(bench).probe_at
    bench.now = later = probe_at + LATE
    fire(bench, 1, "later")
    bench.turn()
    bench.now = probe_at
    assert not any(claim.probe for claim in bench.turn(room=9))
    assert bench.next_look() == later


def test_enabling_by_hand_closes_it(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 2, "b")
    bench.turn(room=9)
    bench.tower.endpoints.enable("ci", EndpointKind.WEBHOOK)
    assert circuit(bench) is None
    assert [claim.number for claim in bench.turn(room=9)].count(1) == 1


def test_the_app_is_told_of_it(bench: Bench) -> None:
    before = bench.tower.mark()
    open_circuit(bench)
    fire(bench, 1, "b")
    opened = bench.tower.mark()
    assert opened != before
    bench.tower.endpoints.enable("ci", EndpointKind.WEBHOOK)
    assert bench.tower.mark() != opened
