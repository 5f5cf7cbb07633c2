"""Running a worker until it is told to stop."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable

from firetower.core.errors import StoreError
from firetower.core.feed import FeedLine
from firetower.store.store import Store
from firetower.store.watch import watch
from firetower.worker.sender import open_sender
from firetower.worker.worker import Worker

_GLANCE = 0.5
"""Seconds after which the watching thread looks whether it is to end."""


def run_worker(
    database: str | None,
    *,
    once: bool,
    emit: Callable[[FeedLine], None],
    report: Callable[[str], None],
) -> None:
    """Run a worker until SIGTERM or Ctrl-C; with `once`, until nothing is due.

    `emit` gets a line for each outcome, `report` what people should know. Raises StoreError when
    the database cannot be used, or fails with `once` or at the end.
    """
    store = Store.open(database)
    try:
        asyncio.run(_run(store, once=once, emit=emit, report=report))
    finally:
        store.close()


async def _run(
    store: Store,
    *,
    once: bool,
    emit: Callable[[FeedLine], None],
    report: Callable[[str], None],
) -> None:
    loop = asyncio.get_running_loop()
    async with open_sender() as sender:
        worker = Worker(store, sender, emit, report)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        ended = threading.Event()
        watcher = threading.Thread(
            target=_watch, args=(store, loop, worker, ended, report), daemon=True
        )
        watcher.start()
        report(f"worker {os.getpid()} started on {store.database.location}")
        try:
            await worker.run(once=once)
        finally:
            ended.set()
            await loop.run_in_executor(None, watcher.join)
            report(f"worker {os.getpid()} stopped")


def _watch(
    store: Store,
    loop: asyncio.AbstractEventLoop,
    worker: Worker,
    ended: threading.Event,
    report: Callable[[str], None],
) -> None:
    """Wake the worker whenever another connection changes the database."""
    while not ended.is_set():
        try:
            with watch(store.database) as changes:
                while not ended.is_set():
                    if changes.wait(_GLANCE) and not ended.is_set():
                        loop.call_soon_threadsafe(worker.wake)
        except StoreError as error:
            report(f"{error.message}. {error.hint}")
            ended.wait(_GLANCE)
