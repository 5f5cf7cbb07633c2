"""Wait for the changes of other connections and processes."""

import select
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from math import ceil
from typing import Any

from firetower.store.database import CHANNEL, Database
from firetower.store.files import OpenFiles

_COMMIT_INTERVAL = 0.000_1
"""Seconds between a write to SQLite's log and the first look for its commit."""
_COMMIT_TIMEOUT = 0.25
"""Seconds after the write within which it is looked for, ever more slowly."""
_MILLISECOND = 0.001
"""The shortest wait for the system."""
_POLL_INTERVAL = 0.003
"""Seconds between two looks where the system does not tell of writes."""
_IDLE_POLL_INTERVAL = 0.02
"""The same in an idle database, and for a screen."""
_LISTEN_CHECK_INTERVAL = 10.0
"""Seconds between two looks whether PostgreSQL's process still listens."""
_IDLE_AFTER = 30.0
"""Seconds without a change until a database counts as idle."""

Wait = Callable[[float], bool]
"""Waits so many seconds, at most, for a change; returns whether there was one.

`Database.end_waits` ends it before.
"""


class Waker:
    """Ends waits of one thread, from any other."""

    def __init__(self) -> None:
        self._woken, self._waking = socket.socketpair()
        self._woken.settimeout(0)
        self._waking.settimeout(0)
        self._is_awake = False

    def wake(self) -> None:
        """End the wait, and each later one until `clear`; once closed, do nothing."""
        if not self._is_awake:  # once for many answers
            self._is_awake = True
            with suppress(OSError):
                self._waking.send(b"\0")

    def clear(self) -> None:
        """Let the next wait last. Call it before looking at what a wake is about."""
        with suppress(BlockingIOError):
            self._woken.recv(4_096)
        self._is_awake = False

    def wait(self, seconds: float, *others: Any) -> bool:
        """Wait so long, at most, or until others can be read; return whether it was woken."""
        poller = select.poll()  # not select, which takes no file of a number above 1,023
        for one in (self._woken, *others):
            poller.register(one, select.POLLIN)
        return self._woken.fileno() in dict(poller.poll(ceil(seconds / _MILLISECOND)))

    def close(self) -> None:
        """Close its files."""
        self._woken.close()
        self._waking.close()


@contextmanager
def watch(
    database: Database,
    waker: Waker | None = None,
    *,
    quick: bool = True,
    then_changes: bool = False,
) -> Iterator[Wait]:
    """Wait for changes by other connections, on one of its own. Raises StoreError.

    Use it from one thread; `waker` ends its waits, too. Without `quick`, SQLite is polled less
    often, as is enough for a screen. With `then_changes` the caller begins a change after each
    wait; on PostgreSQL its own end none. Waiting raises DatabaseReplaced once an SQLite file is
    another, StoreError once it is gone.
    """
    replaced = database.follow_files()
    with ExitStack() as ending:
        if waker is None:
            waker = ending.enter_context(closing(Waker()))
        connection = ending.enter_context(database.raw())
        database.waits.add(waker.wake)
        ending.callback(database.waits.discard, waker.wake)
        if database.is_sqlite:
            told = ending.enter_context(
                closing(_SqliteWatch(database, connection, replaced, waker, quick=quick))
            )
            wait: Wait = told.wait_and_settle if then_changes else told.wait
        else:
            wait = _listen(connection, waker, database.changer if then_changes else None)

        def explained(timeout: float) -> bool:
            try:
                return wait(timeout)
            except database.driver_error as error:
                raise database.explain(error) from error

        yield explained


def _listen(connection: Any, waker: Waker, ignored: str | None) -> Wait:  # noqa: ANN401 - the driver's
    """Return a function that waits for a notification of any changer but `ignored`."""
    connection.execute(f"LISTEN {CHANNEL}")
    checked_at = time.monotonic()

    def wait(timeout: float) -> bool:
        nonlocal checked_at
        deadline = time.monotonic() + timeout
        while all(one.payload == ignored for one in list(connection.notifies(timeout=0))):
            left = deadline - time.monotonic()
            if left <= 0 or waker.wait(left, connection):
                break
        else:
            return True
        if time.monotonic() - checked_at >= _LISTEN_CHECK_INTERVAL:
            connection.execute("SELECT 1")  # raises where nobody answers: then none tells either
            checked_at = time.monotonic()
        return False

    return wait


class _SqliteWatch:
    """Reads `PRAGMA data_version`, which another connection's commit changes, for 3-6 µs a time.

    On Linux only once something is written to the log: the commit that it is part of is seen a
    moment later, when it is on the disk. Elsewhere, and where that fails, all the time. A file that
    this user may not write is opened as one that never changes: there the files' times tell.
    """

    def __init__(
        self,
        database: Database,
        connection: sqlite3.Connection,
        replaced: int,
        waker: Waker,
        *,
        quick: bool,
    ) -> None:
        self._database, self._connection, self._replaced = database, connection, replaced
        self._waker, self._quick = waker, quick
        assert database.location.path is not None
        self._files = OpenFiles(database.location.path)
        self._version = self._read()
        self._changed_at = self._written_at = time.monotonic()
        self._writes = _watch_log(self._files) if database.holds_files else None

    def _read(self) -> object:
        if self._database.follow_files() != self._replaced:
            raise self._database.replacements[-1]
        if not self._database.holds_files:
            return self._files.written()
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def wait(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while (version := self._read()) == self._version:
            now = time.monotonic()
            if now >= deadline or self._pause(now, deadline - now):
                return False
        self._version, self._changed_at = version, time.monotonic()
        return True

    def wait_and_settle(self, timeout: float) -> bool:
        changed = self.wait(timeout)
        # The change that follows holds the write lock: all that was written is committed by then.
        if changed and self._writes is not None:
            self._writes.read(0)
        return changed

    def _pause(self, now: float, longest: float) -> bool:
        """Wait until the next look; return whether it was woken."""
        if self._writes is None:
            is_idle = now - self._changed_at >= _IDLE_AFTER or not self._quick
            return self._waker.wait(
                min(_IDLE_POLL_INTERVAL if is_idle else _POLL_INTERVAL, longest)
            )
        since = now - self._written_at
        if self._changed_at < self._written_at and since < _COMMIT_TIMEOUT:
            pause = max(_COMMIT_INTERVAL, since / 8) if self._quick else _IDLE_POLL_INTERVAL
            longest = min(pause, longest)
            if pause < _MILLISECOND or not self._quick:
                time.sleep(longest)
                longest = 0
        woken = self._waker.wait(longest, self._writes)
        if self._writes.read(0):
            self._written_at = time.monotonic()
        return woken

    def close(self) -> None:
        if self._writes is not None:
            self._writes.close()


def _watch_log(files: OpenFiles) -> Any:  # noqa: ANN401 - a type that other systems lack
    """Return what tells of writes to an SQLite database's log and of moved files, or None."""
    try:
        from inotify_simple import INotify, flags

        writes = INotify()
    except (ImportError, OSError):
        return None
    moved = flags.ATTRIB | flags.MOVE_SELF
    try:
        writes.add_watch(files.path, moved)
        writes.add_watch(files.logs[0], moved | flags.MODIFY)
    except OSError:
        writes.close()
        return None
    return writes
