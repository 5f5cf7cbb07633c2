"""Sending again, on both databases."""

from datetime import timedelta

import pytest

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
