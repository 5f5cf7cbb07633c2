"""The open database behind the screens, and reading again what has changed in it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from textual.dom import DOMNode

from firetower.core.errors import Cancelled, FiretowerError, StoreError, Unforeseen
from firetower.settings import app_log
from firetower.tui.background import start_worker

if TYPE_CHECKING:
    from firetower.tower import Tower as Tower  # noqa: PLC0414
    from firetower.tui.first_view import FirstView
    from firetower.tui.key_queue import KeyQueue
else:
    Tower = Any
    """The name of the type in the app's annotations: SQL takes longer to import than to draw."""

T = TypeVar("T")
P = ParamSpec("P")
Node = TypeVar("Node", bound=DOMNode)
RETRY_DELAY = 2.0
"""Seconds until a database that cannot be opened is tried again."""
REFRESH_INTERVAL = 0.25
"""Seconds from the end of one reading to the next, at least, where that was asked for during it."""
MAX_REFRESH_INTERVAL = 2.0
AGES_INTERVAL = 30.0
"""Seconds between two readings while nothing changes: ages grow."""
_LONGEST_LOG = 1_000_000
"""Bytes of the app's log above which it begins again."""
_LOAD = 4
"""A reading that takes long is followed by a pause of this many times its length."""


class Session:
    """A database read and changed in threads, so that the screen never waits for it."""

    def __init__(
        self,
        open_tower: Callable[[], Tower],
        clock: Callable[[], datetime],
        read_first: Callable[[], FirstView | None] | None = None,
    ) -> None:
        """Open the database when it is first needed, after what `read_first` returns is shown."""
        self._open_tower = open_tower
        self._read_first = read_first
        self.may_open = asyncio.Event()
        """Set once opening the database, which imports SQL, delays no first view."""
        if read_first is None:
            self.may_open.set()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="tower")
        self._tower: asyncio.Future[Tower] | None = None
        self.now = clock
        self.missed = False
        """Whether something could not be read, and may stay on a screen as that."""

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

    async def first_view(self) -> FirstView | None:
        """Return what was read before the database is opened, once; None for nothing."""
        read, self._read_first = self._read_first, None
        view = None if read is None else await asyncio.to_thread(read)
        if view is None:
            self.may_open.set()
        return view

    async def tower(self) -> Tower:
        """Return the database, opened when first needed. Raises StoreError, InvalidInput."""
        await self.may_open.wait()
        if self._tower is None or (self._tower.done() and self._tower.exception()):
            loop = asyncio.get_running_loop()
            self._tower = loop.run_in_executor(self._threads, self._open_tower)
        return await asyncio.shield(self._tower)

    @property
    def opened(self) -> Tower | None:
        """The database, once it is open."""
        tower = self._tower
        if tower is None or not tower.done() or tower.cancelled() or tower.exception():
            return None
        return tower.result()

    @property
    def read_only(self) -> bool:
        """Whether every change is refused; not before it is open."""
        return self.opened is not None and self.opened.read_only

    async def ask(self, question: Callable[[Tower], T]) -> T:
        """Call the database and return its answer. Raises what the call raises."""
        tower = await self.tower()
        loop = asyncio.get_running_loop()
        try:
            return await _known(loop.run_in_executor(self._threads, question, tower))
        except StoreError:
            self.missed = True
            raise

    async def ask_slowly(self, question: Callable[[Tower], T]) -> T:
        """Call the database where that sends a request; closing does not wait for its answer."""
        tower = await self.tower()
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(question(tower))
            except Exception as error:
                answer.set_exception(error)

        answer.set_running_or_notify_cancel()  # from now on it is not cancelled, only ignored
        threading.Thread(target=run, name="request", daemon=True).start()
        return await _known(asyncio.wrap_future(answer))

    async def close(self) -> None:
        """Close the database once its calls have ended."""
        if self.opened is not None:
            await asyncio.to_thread(self.opened.close)
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _known(answer: Awaitable[T]) -> T:
    """Return an answer of the database; an error that no one foresaw is raised as Unforeseen."""
    try:
        return await answer
    except Cancelled:
        raise
    except Exception as error:
        raise foreseen(error) from error


def foreseen(error: BaseException) -> FiretowerError:
    """Return an error to show; the traceback of a defect goes to the app's log."""
    if isinstance(error, FiretowerError):
        return error
    if isinstance(error, MemoryError):
        said = "this program may use no more memory"
        return FiretowerError(said, "Raise its limit: see ulimit -v, or the container's.")
    text = "".join(traceback.format_exception(error))
    try:
        log = app_log()
        log.parent.mkdir(parents=True, exist_ok=True)
        is_long = log.exists() and log.stat().st_size > _LONGEST_LOG
        with log.open("w" if is_long else "a", encoding="utf-8", errors="replace") as file:
            file.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {text}\n")
    except OSError:  # a full disk, or a read-only one
        return Unforeseen(error)
    return Unforeseen(error, str(log))


class HasSession(Protocol):
    """The app, as far as its screens and widgets need it."""

    session: Session
    keys: KeyQueue

    def key_of(self, action: str) -> str: ...


def session_of(node: DOMNode) -> Session:
    """Return the session of the app that a screen or widget is in."""
    return cast("HasSession", node.app).session


def key_of(node: DOMNode, action: str) -> str:
    """Return the first key of an action, by its id, as the user's config has it."""
    return cast("HasSession", node.app).key_of(action)


def in_background(
    method: Callable[Concatenate[Node, P], Awaitable[None]],
) -> Callable[Concatenate[Node, P], None]:
    """Run a method as a worker; the app shows the error that it raises."""

    @wraps(method)
    def start(node: Node, /, *arguments: P.args, **named: P.kwargs) -> None:
        worker = start_worker(node, partial(method, node, *arguments, **named))
        cast("HasSession", node.app).keys.note_started(worker)

    return start


class Refresh:
    """Runs a reading when called; calls during a reading cause one more after it."""

    def __init__(self, owner: DOMNode, read: Callable[[], Awaitable[None]]) -> None:
        self._owner = owner
        self._read = read
        self._wanted = False
        self._running = False
        self._began = -math.inf
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
            start_worker(self._owner, self._run)

    def repeat(self, interval: float = AGES_INTERVAL) -> None:
        """Read every so many seconds too while the screen is shown, unless it was just read."""

        def read() -> None:
            if self._owner.screen.is_current and time.monotonic() - self._began > interval / 2:
                self()

        self._owner.set_interval(interval, read)

    async def _run(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                self._hurry.clear()
                self._began = time.monotonic()
                await self._read()
                pause = max(REFRESH_INTERVAL, (time.monotonic() - self._began) * _LOAD)
                if self._wanted:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._hurry.wait(), min(pause, MAX_REFRESH_INTERVAL))
        finally:
            self._running = False
