"""Running a server until it is told to stop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from firetower.core.errors import StoreError
from firetower.server.app import Log, Server
from firetower.server.settings import ServerSettings
from firetower.store.status import read_status
from firetower.store.store import Store
from firetower.store.tokens import count_tokens
from firetower.worker_process import WorkerProcess

SHUTDOWN_TIMEOUT = 10.0
"""Seconds that requests at work have when the server stops."""
Report = Callable[[str], None]


def run_server(
    database: str | None,
    settings: ServerSettings,
    *,
    read_only: bool = False,
    worker: bool = True,
    report: Report,
    log: Log | None = None,
) -> None:
    """Serve until SIGTERM, SIGHUP or Ctrl-C, with a worker beside unless one is alive.

    `report` gets what people should know, `log` the facts of each request. Raises StoreError
    where the database cannot be used, or the address not be listened on.
    """
    store = Store.open(database, read_only=read_only)
    try:
        asyncio.run(_run(store, database, settings, report, log, worker=worker))
    finally:
        store.close()


async def _run(
    store: Store,
    database: str | None,
    settings: ServerSettings,
    report: Report,
    log: Log | None,
    *,
    worker: bool,
) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    with store.reading() as reader:
        has_worker = bool(read_status(reader).workers)
        has_tokens = count_tokens(reader) > 0
    async with listening(Server(store, settings, log)) as port:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                loop.add_signal_handler(number, stopped.set)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        report(f"serving {store.database.location} on http://{host}:{port}")
        if not has_tokens:
            report("There is no API key yet: make one with `firetower token create USER`.")
        if worker and not has_worker and not store.database.read_only:
            async with _worker(database, report):
                await stopped.wait()
        else:
            await stopped.wait()
    report("stopped")


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[int]:
    """Answer requests while the block runs; yield the port. Raises StoreError."""
    settings = server.settings
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            raise StoreError(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}",
                "Choose another address with --host and --port.",
            ) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
        server.close()


@asynccontextmanager
async def _worker(database: str | None, report: Report) -> AsyncIterator[None]:
    """Run a worker beside this process while the block runs."""
    process = WorkerProcess(database)
    process.on_exit = report
    running = asyncio.create_task(process.run())
    try:
        yield
    finally:
        await process.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
