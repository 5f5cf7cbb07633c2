"""What was sent to an endpoint: counted from a bounded part of the history."""

from datetime import timedelta
from pathlib import Path

import pytest

from firetower.core.statistics import Traffic
from firetower.store.store import Store
from store.bench import Bench
from towers import multiply_history


@pytest.fixture
def bench(store: Store) -> Bench:
    made = Bench(store)
    made.automate()
    return made


def send(bench: Bench, name: str, code: int) -> None:
    bench.tower.add_alias(bench.version, name)
    bench.turn()
    [claim] = bench.turn(room=1)
    bench.answer(claim, code)


def test_traffic_counts_a_day_by_the_newest_attempt(bench: Bench) -> None:
    endpoints = bench.tower.endpoints
    assert endpoints.traffic() == {}
    assert endpoints.last_failure("ci") is None
    send(bench, "first", 503)
    assert endpoints.traffic()["ci"].success_words == "0 %"
    failure = endpoints.last_failure("ci")
    assert failure is not None
    assert (failure.automation, failure.attempt.status_code) == ("deploy", 503)
    for name in ("second", "third"):
        send(bench, name, 202)
    bench.tower.add_alias(bench.version, "fourth")
    bench.turn()
    bench.turn(room=1)
    traffic = endpoints.traffic()["ci"]
    assert (traffic.sent, traffic.succeeded, traffic.in_flight) == (3, 2, 1)
    assert traffic.success_words == "66 %"
    bench.now += timedelta(hours=25)
    assert endpoints.traffic()["ci"] == Traffic(in_flight=1)
    assert endpoints.last_failure("ci") == failure


def test_percentiles_are_values_that_were_measured() -> None:
    traffic = Traffic.of([float(n) for n in range(100, 0, -1)], 100)
    assert (traffic.p50_ms, traffic.p95_ms) == (50.0, 95.0)
    assert Traffic.of([7.0], 0) == Traffic(1, 0, 7.0, 7.0)
    assert [Traffic(1_000, n).success_words for n in (0, 1, 999, 1_000)] == [
        *("0 %", "< 1 %", "99 %", "100 %")
    ]


def test_traffic_of_a_long_history_reads_the_newest(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store.open(str(path), author="ada")
    bench = Bench(store)
    bench.automate()
    send(bench, "first", 200)
    multiply_history(path, 12_000)
    assert bench.tower.endpoints.traffic()["ci"].sent == 10_000
    store.close()
