"""Following the database, in a thread, at a pace that a terminal can take."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from firetower.core.circuit_breaker import CircuitNews
from firetower.core.errors import FiretowerError
from firetower.core.executions import Execution

if TYPE_CHECKING:
    from firetower.tower import Tower


_PAUSE = 0.25
"""Seconds between two reports: at most four repaints a second, whatever the rate of firing."""
_BREATH = 0.02
"""The same after a change that fired nothing: what it fires follows in a moment."""
_GLANCE = 0.1
"""Seconds within which following ends when the app does."""
_AGAIN = 2.0


class Live:
    """Reports the executions that changed, and errors, to the loop it was started from."""

    def __init__(
        self,
        tower: Tower,
        changed: Callable[[Sequence[Execution]], None],
        failed: Callable[[FiretowerError], None],
        began: Callable[[], None],
        stirred: Callable[[], None],
        *,
        heard: Callable[[Sequence[CircuitNews]], None],
    ) -> None:
        """Begin to follow.

        `began` is called each time that begins, for what was changed before is not told;
        `stirred` when nothing that a list shows has changed: a worker beats every other second;
        `heard` when circuits have opened or closed.
        """
        self._tower = tower
        self._changed = changed
        self._failed = failed
        self._began = began
        self._stirred = stirred
        self._heard = heard
        self._ended = threading.Event()
        self._said = ""
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
                if error.message != self._said:
                    self._said = error.message
                    self._report(self._failed, error)
                self._ended.wait(_AGAIN)

    def _follow(self) -> None:
        changes = self._tower.executions.changes(wait=_GLANCE)
        next(changes)
        self._said = ""
        before, newest = self._tower.mark(), self._tower.endpoints.newest_news()
        self._report(self._began)
        for executions in changes:
            if executions is not None:
                if news := self._tower.endpoints.news_since(newest):
                    newest = news[-1].id
                    self._report(self._heard, news)
                mark = self._tower.mark()
                if executions or mark != before:
                    self._report(self._changed, executions)
                else:
                    self._report(self._stirred)
                before = mark
                self._ended.wait(_PAUSE if executions else _BREATH)
            if self._ended.is_set():
                return

    def _report(self, report: Callable[..., None], *said: object) -> None:
        if not self._ended.is_set():
            self._loop.call_soon_threadsafe(report, *said)
