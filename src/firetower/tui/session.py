"""The open database behind the screens."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from textual.dom import DOMNode

from firetower.core.errors import Cancelled, FiretowerError, Unforeseen

if TYPE_CHECKING:
    from firetower.tower import Tower


T = TypeVar("T")
RETRY_DELAY = 2.0
"""Seconds until a database that cannot be opened is tried again."""


class Session:
    """A database read and changed in threads, so that the screen never waits for it."""

    def __init__(
        self,
        open_tower: Callable[[], Tower],
        clock: Callable[[], datetime],
    ) -> None:
        """Open the database when it is first needed."""
        self._open_tower = open_tower
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="tower")
        self._tower: asyncio.Future[Tower] | None = None
        self._may_open = asyncio.Event()
        self.now = clock

    def begin(self) -> None:
        """Let the database be opened: importing SQL would hold up the first paint."""
        self._may_open.set()

    async def open(self, show_error: Callable[[FiretowerError], None]) -> Tower:
        """Open the database as soon as that is possible: it may be locked, or being migrated."""
        shown = ""
        while True:
            try:
                return await self.tower()
            except FiretowerError as error:
                if error.message != shown:
                    shown = error.message
                    show_error(error)
                await asyncio.sleep(RETRY_DELAY)

    async def tower(self) -> Tower:
        """Return the database, opened when first needed. Raises StoreError, InvalidInput."""
        await self._may_open.wait()
        if self._tower is None or (self._tower.done() and self._tower.exception()):
            loop = asyncio.get_running_loop()
            self._tower = asyncio.ensure_future(
                loop.run_in_executor(self._threads, self._open_tower)
            )
        return await asyncio.shield(self._tower)

    async def ask(self, question: Callable[[Tower], T]) -> T:
        """Call the database and return its answer. Raises what the call raises."""
        tower = await self.tower()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, question, tower)
        except (FiretowerError, Cancelled):
            raise
        except Exception as error:
            raise Unforeseen(error) from error

    async def ask_slowly(self, question: Callable[[Tower], T]) -> T:
        """Call the database where that sends a request; closing does not wait for its answer."""
        tower = await self.tower()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def answer(result: T | None, error: Exception | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(cast("T", result))
            else:
                known = isinstance(error, FiretowerError)
                future.set_exception(error if known else Unforeseen(error))

        def run() -> None:
            result, failure = None, None
            try:
                result = question(tower)
            except Exception as error:
                failure = error
            with contextlib.suppress(RuntimeError):  # the app has ended meanwhile
                loop.call_soon_threadsafe(answer, result, failure)

        threading.Thread(target=run, name="request", daemon=True).start()
        return await future

    async def close(self) -> None:
        """Close the database once its calls have ended."""
        opened = self._tower
        if opened is not None and opened.done() and not opened.exception():
            await asyncio.to_thread(opened.result().close)
        self._threads.shutdown(wait=False, cancel_futures=True)


class HasSession(Protocol):
    """The app, as far as its screens and widgets need it."""

    session: Session

    def show_error(self, error: FiretowerError) -> None:
        """Show what is wrong and what to do."""


def session_of(node: DOMNode) -> Session:
    """Return the session of the app that a screen or widget is in."""
    return cast("HasSession", node.app).session


def show_error(node: DOMNode, error: FiretowerError) -> None:
    """Show what is wrong and what to do."""
    cast("HasSession", node.app).show_error(error)


async def may_change(node: DOMNode) -> bool:
    """Return whether the database may be changed; show why not."""
    try:
        (await session_of(node).tower()).refuse_read_only()
    except FiretowerError as error:
        show_error(node, error)
        return False
    return True


async def redeliver(node: DOMNode, execution_id: int) -> bool:
    """Send an execution again with the same webhook-id; show the result, return if it is sent."""
    try:
        await session_of(node).ask(lambda tower: tower.executions.redeliver([execution_id]))
    except FiretowerError as error:
        show_error(node, error)
        return False
    node.app.notify("Queued to be sent again.", markup=False)
    return True
