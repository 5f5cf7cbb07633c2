"""Reading again what has changed, without ever piling up."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from textual.dom import DOMNode

_REST = 0.25
_SHARE = 4
"""A reading that takes long is followed by so many times its length of rest."""
_LONGEST_REST = 2.0


class Refresh:
    """Runs a reading whenever asked to, one at a time: what is asked meanwhile runs once after."""

    def __init__(self, owner: DOMNode, read: Callable[[], Awaitable[None]]) -> None:
        self._owner = owner
        self._read = read
        self._wanted = False
        self._running = False
        self._hurry = asyncio.Event()

    def at_once(self) -> None:
        """Read without a rest before it: someone waits."""
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
                took = time.monotonic() - began
                if self._wanted:
                    await self._rest(min(max(_REST, took * _SHARE), _LONGEST_REST))
        finally:
            self._running = False

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)
