"""What becomes of an answer."""

from datetime import timedelta
from pathlib import Path

import pytest

from firetower.core.requests import Request, Secrets
from firetower.core.retry import Answer
from firetower.store.store import Store
from firetower.worker.attempt import result_of
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
