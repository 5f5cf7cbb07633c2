"""Sending again, on both databases."""

from datetime import timedelta

import pytest

from firetower.core.endpoints import EndpointKind
from firetower.core.errors import Conflict
from firetower.store.redelivery import REDELIVERY_INTERVAL
from firetower.store.store import Store
from store.bench import Bench


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def test_redeliveries_to_one_endpoint_are_due_one_after_another(bench: Bench) -> None:
    bench.automate()
    for alias in ("a", "b", "c"):
        bench.tower.add_alias(bench.version, alias)
    for claim in bench.turn(room=5):
        bench.answer(claim, 202)
    bench.now += timedelta(hours=1)
    assert bench.tower.executions.redeliver([one.id for one in bench.executions]) == 3
    due = [one.next_attempt_at for one in bench.executions]
    assert due == [bench.now + number * REDELIVERY_INTERVAL for number in range(3)]
    assert len(bench.turn(room=5)) == 1
    bench.now += 2 * REDELIVERY_INTERVAL
    assert len(bench.turn(room=5)) == 2


def test_what_failed_at_the_moment_given_is_sent_again(bench: Bench) -> None:
    bench.automate()
    for _ in range(2):
        bench.now += timedelta(microseconds=1)
        bench.tower.add_alias(bench.version, f"a{bench.now.microsecond}")
        [claim] = bench.turn(room=1)
        bench.answer(claim, 410)
        bench.tower.endpoints.enable("ci", EndpointKind.WEBHOOK)
    since, executions = bench.now, bench.tower.executions
    assert executions.failed_since(since) == {"ci": 1}
    with pytest.raises(Conflict):
        executions.redeliver_failed(since + timedelta(microseconds=1))
    assert executions.redeliver_failed(since) == 1
