"""Waiting for a condition, as long as the slowest machine needs."""

import time
from collections.abc import Callable

import psutil

TIMEOUT = 60.0
"""Seconds: a test that fails by it has met a defect, not a busy machine."""
_PAUSE = 0.02


def wait_until(condition: Callable[[], object], what: str, timeout: float = TIMEOUT) -> None:
    """Ask again and again until the condition holds; fail with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"timed out waiting for {what}"
        time.sleep(_PAUSE)


def runs(process: psutil.Process) -> bool:
    """Return whether a process lives; one that nobody waited for does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
