"""Running a server until it is told to stop."""

import asyncio
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from firetower.core.errors import StoreError
from firetower.server.app import Log, Server
from firetower.server.graphql import unknown_fields
from firetower.server.settings import ServerSettings
from firetower.store.status import read_status
from firetower.store.store import Store
from firetower.store.tokens import count_tokens, url_key
from firetower.store.uploads import sweep_uploads
from firetower.store.workers import SERVER_HEARTBEAT_INTERVAL, record_server, remove_server
from firetower.worker.limits import connections_of, raise_file_limit
from firetower.worker_process import WorkerProcess

SWEEP_INTERVAL = 3600.0
"""Seconds between two sweeps of unfinished uploads."""
SHUTDOWN_TIMEOUT = 10.0
"""Seconds that requests at work have when the server stops."""
LINGER_TIMEOUT = 10.0
"""Seconds for which the rest of a refused request is read, so that its sender sees why."""
HANDSHAKE_TIMEOUT = 10.0
"""Seconds that a client has to agree on TLS; its connection is not counted until then."""
WRITE_TIMEOUT_MS = 120_000
"""Milliseconds within which a client reads something of what it is sent."""
MAX_CONNECTIONS = 1_000
"""Connections open at a time, at most."""
ACCEPTED_AT_ONCE = 4
"""Connections that are accepted before the first of them is counted."""
_WAITING = 128
"""Connections that the system keeps until they are accepted."""
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
    where the database cannot be used, or the address not be listened on, InvalidInput for
    settings.
    """
    settings.check()
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
    settings = replace(settings, url_key=url_key(store))
    with store.reading() as reader:
        has_worker = bool(read_status(reader).workers)
        has_tokens = count_tokens(reader) > 0
    server = Server(store, settings, log)
    async with listening(server) as port:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                loop.add_signal_handler(number, stopped.set)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        scheme = "http" if settings.tls is None else "https"
        url = settings.public_url or f"{scheme}://{host}:{port}"
        report(f"serving {store.database.location} on {url}")
        if not has_tokens:
            report("There is no API key yet: make one with `firetower token create USER`.")
        async with AsyncExitStack() as beside:
            await beside.enter_async_context(registered(server, url, report))
            if worker and not has_worker and not store.database.read_only:
                await beside.enter_async_context(_worker(database, report))
            await stopped.wait()
    report("stopped")


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[int]:
    """Answer requests while the block runs; yield the port. Raises StoreError."""
    settings = server.settings
    logging.getLogger("aiohttp.server").addFilter(_is_defect)
    runner = web.AppRunner(
        server.application(),
        access_log=None,
        shutdown_timeout=SHUTDOWN_TIMEOUT,
        lingering_time=LINGER_TIMEOUT,
    )
    await runner.setup()
    assert runner.server is not None
    most = min(connections_of(raise_file_limit()), MAX_CONNECTIONS)
    _bound_connections(runner.server, server.idle, most)
    try:
        try:
            accepting = await _listen(runner.server, settings)
        except OSError as error:
            reason = str(error.strerror).rpartition(": ")[2]  # asyncio says the address before it
            raise StoreError(
                f"{settings.host}:{settings.port} cannot be listened on: {reason}",
                "Choose another address with --host and --port.",
            ) from None
        sweeping = asyncio.create_task(_sweep(server))
        try:
            yield accepting.sockets[0].getsockname()[1]
        finally:
            sweeping.cancel()
            accepting.close()
    finally:
        await runner.cleanup()
        server.close()


async def _listen(server: web.Server, settings: ServerSettings) -> asyncio.Server:
    """Start accepting connections. Raises OSError."""
    tls = settings.tls_context()
    accepting = await asyncio.get_running_loop().create_server(
        server,
        settings.host,
        settings.port,
        ssl=tls,
        ssl_handshake_timeout=HANDSHAKE_TIMEOUT if tls else None,
        backlog=ACCEPTED_AT_ONCE,
    )
    for listening in accepting.sockets:
        # asyncio takes one number for how many it accepts at once and for how many may wait.
        with listening.dup() as same:
            same.listen(_WAITING)
    return accepting


def _bound_connections(
    server: web.Server, idle: dict[asyncio.BaseProtocol, None], most: int
) -> None:
    """Close the connection that has been `idle` for longest, for each one more than `most`.

    Who answers requests takes a connection from `idle` meanwhile, and puts it back at the end.
    """
    accept, lose = server.connection_made, server.connection_lost

    def connection_made(handler: Any, transport: asyncio.Transport) -> None:  # noqa: ANN401
        accept(handler, transport)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux
            accepted = transport.get_extra_info("socket")
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, WRITE_TIMEOUT_MS)
        idle[handler] = None
        open_now = sum(one.transport is not None for one in server.connections)
        if open_now > most and (longest := next(iter(idle), None)) is not None:
            del idle[longest]
            longest.force_close()  # type: ignore[attr-defined]

    def connection_lost(handler: Any, exc: BaseException | None = None) -> None:  # noqa: ANN401
        lose(handler, exc)
        idle.pop(handler, None)

    server.connection_made = connection_made  # type: ignore[method-assign]
    server.connection_lost = connection_lost  # type: ignore[method-assign]


def _is_defect(record: logging.LogRecord) -> bool:
    """Return whether an error is a defect: not a request that is no HTTP."""
    bad = HttpProcessingError, web.RequestPayloadError
    return not (record.exc_info and isinstance(record.exc_info[1], bad))


async def _sweep(server: Server) -> None:
    """Forget unfinished uploads, once an hour."""

    def sweep() -> None:
        if server.files is not None:
            server.files.sweep()
        if not server.store.database.read_only:
            with server.store.changing() as change:
                sweep_uploads(change)

    while True:
        with suppress(StoreError):  # the next time will do
            await server.run(sweep)
        await asyncio.sleep(SWEEP_INTERVAL)


@asynccontextmanager
async def registered(server: Server, url: str, report: Report) -> AsyncIterator[None]:
    """Let the app and `doctor` see the server while the block runs.

    `report` gets why the database cannot be used, once until it can be.
    """
    id_, stopping = secrets.token_hex(8), asyncio.Event()
    heartbeats = asyncio.create_task(_send_heartbeats(server, id_, url, report, stopping))
    try:
        yield
    finally:
        # Not cancelled: a heartbeat under way in its thread would be recorded after the removal.
        stopping.set()
        await asyncio.gather(heartbeats, return_exceptions=True)
        with suppress(StoreError):
            await server.run(_remove, server, id_)


async def _send_heartbeats(
    server: Server, id_: str, url: str, report: Report, stopping: asyncio.Event
) -> None:
    told = ""
    while not stopping.is_set():
        try:
            await server.run(_record, server, id_, url)
            told = ""
        except StoreError as error:  # the next one may succeed
            if error.message != told:
                told = error.message
                report(f"{error.message}. {error.hint}")
        with suppress(TimeoutError):
            async with asyncio.timeout(SERVER_HEARTBEAT_INTERVAL.total_seconds()):
                await stopping.wait()


def _record(server: Server, id_: str, url: str) -> None:
    if server.store.database.read_only:  # it is not seen, but notices what is wrong
        with server.store.reading():
            return
    with server.store.changing() as change:
        record_server(change, id_, url, dict(unknown_fields))


def _remove(server: Server, id_: str) -> None:
    with server.store.changing() as change:
        remove_server(change, id_)


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
