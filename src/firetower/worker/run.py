"""Running a worker until it is told to stop."""

import asyncio
import contextlib
import importlib
import os
import signal
import threading
from datetime import timedelta

from firetower import settings
from firetower.core.errors import InvalidInput
from firetower.core.runs import HEARTBEAT_INTERVAL, RUN_TIMEOUT
from firetower.core.times import duration, parse_duration
from firetower.delivery.client import open_client
from firetower.delivery.environment import certificate_problem, describe_proxies
from firetower.settings import read_settings
from firetower.store.store import Store
from firetower.worker.limits import connections_of, raise_file_limit
from firetower.worker.lines import Emit, Report
from firetower.worker.metrics import serving
from firetower.worker.worker import Worker

_LATE_IMPORTS = (
    *("encodings.ascii", "encodings.idna", "firetower.store.keys", "inotify_simple"),
    "pydantic.dataclasses",
)
"""What is imported while a worker works, when there may be no file handle left to do it."""


def run_worker(
    database: str | None,
    *,
    once: bool,
    attached: bool = False,
    read_only: bool = False,
    metrics: str | None = None,
    emit: Emit,
    report: Report,
) -> None:
    """Run a worker until SIGTERM, SIGHUP or Ctrl-C; with `once`, until nothing is due.

    With `attached` it also ends when standard input closes, as when the program that started it
    is gone, however it ended. `metrics` is the PORT or HOST:PORT to serve Prometheus on. `emit`
    gets a line for each outcome, `report` what people should know. Raises StoreError when the
    database cannot be used or is read-only, or fails at the start, at the end or with `once`.
    """
    for name in _LATE_IMPORTS:
        with contextlib.suppress(ModuleNotFoundError):  # not on every system
            importlib.import_module(name)
    # What started an attached worker had made the database: where that is gone, it has ended too.
    store = Store.open(database, create=not attached, read_only=read_only)
    try:
        store.database.refuse_read_only()
        asyncio.run(_run(store, metrics, emit, report, once=once, attached=attached))
    finally:
        store.close()


async def _run(
    store: Store, metrics: str | None, emit: Emit, report: Report, *, once: bool, attached: bool
) -> None:
    loop = asyncio.get_running_loop()
    async with serving(store, metrics, emit, report) as counting, open_client() as client:
        connections = connections_of(raise_file_limit())
        timeout = run_timeout()
        worker = Worker(store, client, counting, report, connections, timeout)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                loop.add_signal_handler(number, worker.stop)
        if attached:
            threading.Thread(target=_await_parent, args=(loop, worker), daemon=True).start()
        report(f"worker {os.getpid()} started on {store.database.location}")
        if proxies := describe_proxies():
            report(f"proxies: {proxies}")
        if problem := certificate_problem():
            report(problem.message)
            report(problem.hint)
        try:
            await worker.run(once=once)
        finally:
            report(f"worker {os.getpid()} stopped")


def run_timeout() -> timedelta:
    """Return the age of a heartbeat from which a run has crashed. Raises InvalidInput."""
    given = read_settings().run_timeout
    if given is None:
        return RUN_TIMEOUT
    try:
        timeout = parse_duration(given)
    except InvalidInput as error:
        raise InvalidInput(f"{settings.RUN_TIMEOUT}: {error.message}", error.hint) from None
    if timeout < 2 * HEARTBEAT_INTERVAL:
        raise InvalidInput(
            f"{settings.RUN_TIMEOUT} is shorter than two heartbeats of a run",
            f"Set it to {duration(2 * HEARTBEAT_INTERVAL)} or more, or unset it.",
        )
    return timeout


def _await_parent(loop: asyncio.AbstractEventLoop, worker: Worker) -> None:
    """Stop the worker when standard input closes."""
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(worker.stop)
