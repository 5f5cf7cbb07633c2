"""Reading again what has changed, one reading at a time."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from textual.dom import DOMNode

REFRESH_INTERVAL = 0.25
"""Seconds from the end of one reading to the next, at least."""
MAX_REFRESH_INTERVAL = 2.0
_LOAD = 4
"""A reading that takes long is followed by a pause of this many times its length."""


class Refresh:
    """Runs a reading when called; calls during a reading cause one more after it."""

    def __init__(self, owner: DOMNode, read: Callable[[], Awaitable[None]]) -> None:
        self._owner = owner
        self._read = read
        self._wanted = False
        self._running = False
        self._hurry = asyncio.Event()

    def at_once(self) -> None:
        """Read without a pause before it: the user waits."""
        self._hurry.set()
        self()

    def __call__(self) -> None:
        """Read, now or as soon as the reading under way has ended."""
        self._wanted = True
        if not self._running:
            self._running = True
            self._owner.run_worker(self._run(), exit_on_error=False)

    async def _run(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                self._hurry.clear()
                began = time.monotonic()
                await self._read()
                pause = max(REFRESH_INTERVAL, (time.monotonic() - began) * _LOAD)
                if self._wanted:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._hurry.wait(), min(pause, MAX_REFRESH_INTERVAL))
        finally:
            self._running = False
