"""Watching the database for changes, in a thread, no faster than a terminal can show them."""

import asyncio
import threading
from collections.abc import Callable
from time import monotonic

from textual.message import Message

from firetower.tui.messages import DatabaseChanged, StatusChanged, WatchFailed
from firetower.tui.session import Tower, foreseen

REFRESH_INTERVAL = 0.25
"""Seconds between two messages: at most four repaints a second at any rate of executions."""
DEBOUNCE = 0.02
"""The same after a change without executions: those that it fires follow at once."""
POLL_TIMEOUT = 3.0
"""Seconds between two looks at what changes no row: whether the file is still the same."""
STATUS_INTERVAL = 5.0
"""Seconds from which the status is read without a change: a worker that dies makes none."""
RETRY_DELAY = 2.0
"""Seconds until a database that cannot be read is tried again."""


class DatabaseWatch:
    """Posts DatabaseChanged, StatusChanged and WatchFailed until it is stopped."""

    def __init__(self, tower: Tower, post: Callable[[Message], object]) -> None:
        """Start watching; `post` is called in a thread."""
        self._tower = tower
        self._post = post
        self._stopped = threading.Event()
        self._last_error = ""
        self._thread = threading.Thread(target=self._run, name="database-watch", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._tower.executions.end_waits()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._watch()
            except Exception as error:  # else nothing would ever change on the screen again
                if str(error) != self._last_error:
                    self._last_error = str(error)
                    self._post(WatchFailed(foreseen(error)))
                self._stopped.wait(RETRY_DELAY)

    def _watch(self) -> None:
        changes = self._tower.executions.changes(wait=POLL_TIMEOUT)
        next(changes)
        before, newest = self._tower.mark(), self._tower.endpoints.newest_circuit_change()
        status, read_at = self._tower.status(), monotonic()
        self._post(DatabaseChanged(incomplete=True))
        self._last_error = ""
        for executions in changes:
            if self._stopped.is_set():
                return
            mark = before if executions is None else self._tower.mark()
            if executions or mark != before:  # circuits are part of the mark
                news = self._tower.endpoints.circuit_changes_since(newest)
                self._post(DatabaseChanged(executions or (), news))
                newest, before = news[-1].id if news else newest, mark
            elif executions is not None or monotonic() - read_at > STATUS_INTERVAL:
                known, status, read_at = status, self._tower.status(), monotonic()
                if status != known:  # most changes of an idle database are heartbeats
                    self._post(StatusChanged())
            self._stopped.wait(REFRESH_INTERVAL if executions else DEBOUNCE)
