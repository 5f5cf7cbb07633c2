"""Laws of circuits, with any answers at any times, on both databases."""

from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from firetower.core.circuit_breaker import FAILING_TO_OPEN
from firetower.core.endpoints import EndpointKind
from firetower.core.executions import Execution, Status
from firetower.core.retry import DEFAULT_SCHEDULE, JITTER
from firetower.store import schema
from firetower.store.redelivery import REDELIVERY_INTERVAL
from firetower.store.store import Store
from store.bench import Bench

ROOM = 4
_TICK = timedelta(seconds=1)
_LONGEST = sum(DEFAULT_SCHEDULE, timedelta()) * (1 + JITTER)

_STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([0, 1, 5, 20, 60, 300, 1_800, 20_000, 90_000]),
        st.sampled_from([200, 404, 500, 503]),
    ),
    max_size=25,
)
"""What fires, how many seconds go by, and what the endpoint answers then."""
_DOWN = [(3, 20, 503)] * 12


class Endpoint:
    """An endpoint whose answers are chosen, and what is known of each execution's tries."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.names = count()
        self.first_tried: dict[int, datetime] = {}

    def fire(self, number: int) -> None:
        for _ in range(number):
            self.bench.tower.add_alias(self.bench.version, f"a{next(self.names)}")

    def work(self, code: int) -> None:
        """Let a worker do all that can be done now, and hold it to the laws."""
        while claims := self.bench.turn(room=ROOM):
            assert sum(claim.probe for claim in claims) <= 1
            for claim in claims:
                self.first_tried.setdefault(claim.execution_id, self.bench.now)
                assert claim.number <= len(DEFAULT_SCHEDULE) + 1
                self.bench.answer(claim, code)
        found = self.bench.tower.endpoints.find("ci").circuit
        waiting = self.waiting()
        for execution in waiting:
            assert execution.next_attempt_at is not None
            # what is due, and not queued behind the circuit, was attempted
            assert execution.next_attempt_at > self.bench.now
            if execution.attempts == 0 and found is None:  # it was let go, and goes out in its turn
                assert execution.next_attempt_at - self.bench.now <= REDELIVERY_INTERVAL * len(
                    waiting
                )

    def waiting(self) -> list[Execution]:
        return self.bench.tower.executions.newest(10_000, status=Status.PENDING)

    def settle(self) -> None:
        """Let the endpoint work from now on, and time go by, until nothing waits."""
        bench, began = self.bench, self.bench.now
        while True:
            self.work(200)
            waiting = self.waiting()
            if not waiting:
                break
            bench.now = max(
                bench.now + _TICK / 10, min(filter(None, (w.next_attempt_at for w in waiting)))
            )
        assert bench.now - began <= _LONGEST
        assert bench.tower.endpoints.find("ci").circuit is None

    def check_ends(self) -> None:
        """Hold each ending to its schedule: given up on after its last wait, and not before."""
        executions = schema.executions.c
        with self.bench.store.reading() as reader:
            query = select(executions.id, executions.status, executions.attempts)
            rows = reader.connection.execute(query.where(executions.id.in_(self.first_tried))).all()
        for row in rows:
            assert row.status in {"finished", "failed"}
            if row.status == "failed":
                assert row.attempts == len(DEFAULT_SCHEDULE) + 1


@pytest.fixture
def endpoint(store: Store) -> Endpoint:
    bench = Bench(store)
    bench.automate()
    return Endpoint(bench)


@settings(max_examples=settings().max_examples // 8)
@given(_STEPS)
@example(_DOWN)
@example([*_DOWN, (0, 0, 200), *_DOWN])
def test_queued_executions_end_and_retries_follow_their_schedule(
    endpoint: Endpoint, steps: list[tuple[int, int, int]]
) -> None:
    endpoint.bench.tower.endpoints.enable("ci", EndpointKind.WEBHOOK)
    endpoint.first_tried.clear()
    for fired, seconds, code in steps:
        endpoint.fire(fired)
        endpoint.work(code)
        endpoint.bench.now += seconds * _TICK
    endpoint.settle()
    endpoint.check_ends()


@pytest.mark.slow
def test_dead_endpoint_gets_each_retry_and_few_first_attempts(
    endpoint: Endpoint,
) -> None:
    bench = endpoint.bench
    endpoint.fire(8)
    began = bench.now
    opened_at: datetime | None = None
    while bench.now - began <= _LONGEST + timedelta(hours=1):
        endpoint.work(503)
        circuit = bench.tower.endpoints.find("ci").circuit
        if opened_at is None and circuit is not None:
            opened_at = bench.now
            endpoint.fire(40)
        due = [one.next_attempt_at for one in endpoint.waiting() if one.next_attempt_at is not None]
        bench.now = min([*due, bench.now + timedelta(hours=1)])
    assert opened_at is not None
    assert opened_at - began >= FAILING_TO_OPEN
    first = [one for one in bench.executions if one.id <= 8]
    assert {one.status for one in first} == {Status.FAILED}
    assert {one.attempts for one in first} == {len(DEFAULT_SCHEDULE) + 1}
