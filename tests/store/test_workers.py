"""Which workers are alive, and which are dead."""

import subprocess
from datetime import timedelta

import pytest

from firetower.store.workers import WorkerInfo, is_gone, this_host
from store.bench import START
from waiting import wait_until


@pytest.mark.parametrize(
    ("seconds", "alive", "dead"),
    [
        (0, True, False),
        (15, True, False),
        (15.001, False, False),
        (-15.001, False, False),  # the clock was set back
        (86_400, False, False),
        (86_400.001, False, True),
    ],
)
def test_a_worker_elsewhere_is_known_by_its_heartbeat(
    seconds: float, alive: bool, dead: bool
) -> None:
    worker = WorkerInfo("w", "elsewhere", 1, START, START, None)
    now = START + timedelta(seconds=seconds)
    assert (worker.is_alive(now), worker.is_dead(now)) == (alive, dead)


def test_a_process_that_ended_is_gone_before_it_is_reaped() -> None:
    with subprocess.Popen(["true"]) as ended:
        wait_until(lambda: is_gone(this_host(), ended.pid), "the process to be gone")
        assert not is_gone("elsewhere", ended.pid)
