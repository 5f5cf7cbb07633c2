"""Following the database, in a thread, at a pace that a terminal can take."""

import asyncio
import threading
from collections.abc import Callable, Sequence

from firetower.core.errors import FiretowerError
from firetower.core.executions import Execution
from firetower.tower import Tower

_PAUSE = 0.25
"""Seconds between two reports: at most four repaints a second, whatever the rate of firing."""
_GLANCE = 0.5
_AGAIN = 2.0


class Live:
    """Reports the executions that changed, and errors, to the loop it was started from."""

    def __init__(
        self,
        tower: Tower,
        changed: Callable[[Sequence[Execution]], None],
        failed: Callable[[FiretowerError], None],
    ) -> None:
        self._tower = tower
        self._changed = changed
        self._failed = failed
        self._ended = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Stop following."""
        self._ended.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._follow()
            except FiretowerError as error:
                self._report(self._failed, error)
                self._ended.wait(_AGAIN)

    def _follow(self) -> None:
        for executions in self._tower.executions.changes(wait=_GLANCE):
            if executions is not None:
                self._report(self._changed, executions)
                self._ended.wait(_PAUSE)
            if self._ended.is_set():
                return

    def _report(self, report: Callable[..., None], said: object) -> None:
        if not self._ended.is_set():
            self._loop.call_soon_threadsafe(report, said)
