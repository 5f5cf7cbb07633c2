"""What becomes of an answer."""

from datetime import timedelta
from pathlib import Path

import pytest

from firetower.core.circuit_breaker import FAILURES_TO_OPEN
from firetower.core.errors import InvalidInput, Unforeseen
from firetower.core.executions import Status
from firetower.core.requests import Request, Secrets
from firetower.core.retry import Answer
from firetower.store.queue.record import record
from firetower.store.store import Store
from firetower.worker.attempt import failed, refused, result_of
from store.bench import START, Bench


@pytest.mark.parametrize("asked", [None, "5"])
def test_a_retry_is_counted_from_the_answer(tmp_path: Path, asked: str | None) -> None:
    bench = Bench(Store.open(str(tmp_path / "tower.db"), author="ada"))
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    [claim] = bench.turn(room=1)
    sent = claim, Secrets(), Request("http://ci.test/", {}, b"{}"), Answer(503, retry_after=asked)
    slow = timedelta(seconds=9)
    result = result_of(*sent, started_at=START, duration=slow, jitter=0)
    assert result.verdict.next_attempt_at == START + slow + timedelta(seconds=5)
    assert (result.started_at, result.duration) == (START, slow)
    bench.store.close()


def test_what_was_not_sent_says_nothing_of_its_endpoint(tmp_path: Path) -> None:
    bench = Bench(Store.open(str(tmp_path / "tower.db"), author="ada"))
    bench.automate()
    for number in range(2 * FAILURES_TO_OPEN):
        bench.tower.add_alias(bench.version, f"alias-{number}")
    for number, claim in enumerate(bench.turn(room=2 * FAILURES_TO_OPEN)):
        bench.now += timedelta(minutes=1)
        if number % 2:
            result = failed(claim, Unforeseen(ZeroDivisionError()), bench.now)
        else:
            result = refused(claim, InvalidInput("no secret", "Set it."), bench.now)
        with bench.store.changing() as change:
            record(change, [result])
    assert bench.tower.endpoints.find("ci").circuit is None
    ended = [Status.FAILED, Status.PENDING] * FAILURES_TO_OPEN
    assert [one.status for one in bench.executions] == ended
    bench.store.close()
