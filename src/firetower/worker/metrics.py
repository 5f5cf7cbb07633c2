"""A worker's metrics for Prometheus: what it did, and the state of the database."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from firetower.core.errors import FiretowerError, InvalidInput, StoreError
from firetower.core.feed import FeedLine
from firetower.core.text import quoted, shortened
from firetower.store.status import read_status
from firetower.store.store import Store
from firetower.worker.lines import Emit, Report

if TYPE_CHECKING:
    from prometheus_client import Metric

_LOOPBACK = "127.0.0.1"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Upper bounds of the histogram; an attempt ends after 10 s unless its endpoint says otherwise."""

_MAX_CONNECTIONS = 16
"""Connections open at a time: where none ends, the oldest that has not asked yet is closed."""
_EVICTION_DELAY = 0.02
"""Seconds that the last of them waits for another to end; a flood of idle ones is gone soon."""
_MAX_HEAD = 65_536
"""Bytes of a request's head, at most."""
_REQUEST_TIMEOUT = 10
"""Seconds for one request and its answer."""
_RETRY_DELAY = 1
"""Seconds before the next connection is accepted where the process has no file handle left."""


def read_address(said: str) -> tuple[str, int]:
    """Read PORT or HOST:PORT; without a host it is loopback. Raises InvalidInput."""
    host, _, port = said.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 65536):
        raise InvalidInput(
            f"{quoted(shortened(said, 40))} is no address to listen on",
            "Write PORT, or HOST:PORT such as 0.0.0.0:9464.",
        )
    return host.removeprefix("[").removesuffix("]") or _LOOPBACK, int(port)


@asynccontextmanager
async def serving(
    store: Store, address: str | None, emit: Emit, report: Report
) -> AsyncIterator[Emit]:
    """Serve metrics while the block runs; yield what emits a line and counts it.

    Without an address nothing is served. Raises InvalidInput for one that cannot be read,
    StoreError where it cannot be listened on or the extra is not installed.
    """
    if address is None:
        yield emit
        return
    host, port = read_address(address)
    count, scrapes = _open_metrics(store, emit)
    shown = f"[{host}]" if ":" in host else host
    with _listen(host, port) as listening:
        report(f"metrics on http://{shown}:{listening.getsockname()[1]}/metrics")
        accepting = asyncio.create_task(scrapes.accept(listening))
        try:
            yield count
        finally:
            await _end(accepting)
            await scrapes.end()


def _open_metrics(store: Store, emit: Emit) -> "tuple[Emit, _Scrapes]":
    """Return a function that emits and counts a line, and the answerer. Raises StoreError."""
    try:
        import prometheus_client as prometheus
        import prometheus_client.core
    except ModuleNotFoundError:
        raise StoreError(
            "metrics need a library that is not installed", "Run: pip install 'firetower[metrics]'"
        ) from None
    registry = prometheus.CollectorRegistry()
    outcomes = prometheus.Counter(
        "firetower_outcomes", "Outcomes of executions.", ["endpoint", "status"], registry=registry
    )
    durations = prometheus.Histogram(
        "firetower_attempt_duration_seconds",
        "Duration of attempts.",
        ["endpoint"],
        buckets=_SECONDS,
        registry=registry,
    )
    registry.register(_DatabaseMetrics(store))

    def count(line: FeedLine) -> None:
        endpoint = line.execution.endpoint or ""
        outcomes.labels(endpoint, line.execution.state.value).inc()
        if line.execution.duration_ms is not None:
            durations.labels(endpoint).observe(line.execution.duration_ms / 1000)
        emit(line)

    read = partial(prometheus.generate_latest, registry)
    return count, _Scrapes(read, prometheus.CONTENT_TYPE_LATEST)


def _listen(host: str, port: int) -> socket.socket:
    """Listen on the host's first address, one of IPv4 if it has any. Raises StoreError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, place = min(found, key=lambda one: one[0] != socket.AF_INET)
        listening = socket.create_server((str(place[0]), int(place[1])), family=family)
    except OSError as error:
        raise StoreError(
            f"metrics cannot be served on {host}:{port}: {error.strerror}",
            "Choose another address with --metrics.",
        ) from None
    listening.setblocking(False)  # noqa: FBT003 - the library takes it by position
    return listening


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


class _Scrapes:
    """Answers every GET with the metrics, ignores `Accept`, and closes the connection."""

    def __init__(self, read: Callable[[], bytes], content_type: str) -> None:
        self._read = read
        self._type = content_type
        self._open: dict[asyncio.Task[None], socket.socket] = {}
        self._answering: set[socket.socket] = set()
        self._reading: asyncio.Task[bytes] | None = None

    async def accept(self, listening: socket.socket) -> None:
        """Accept connections one by one, so that no more than the most are ever open."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(_RETRY_DELAY)
                continue
            task = asyncio.create_task(self._serve(connection))
            self._open[task] = connection
            task.add_done_callback(self._close)
            if len(self._open) == _MAX_CONNECTIONS:
                await self._make_room()

    async def _make_room(self) -> None:
        ended, _ = await asyncio.wait(
            self._open, timeout=_EVICTION_DELAY, return_when=asyncio.FIRST_COMPLETED
        )
        if not ended:
            await _end(min(self._open, key=lambda one: self._open[one] in self._answering))

    async def end(self) -> None:
        """End every connection."""
        for task in tuple(self._open):
            await _end(task)

    def _close(self, task: asyncio.Task[None]) -> None:
        connection = self._open.pop(task)
        self._answering.discard(connection)
        connection.close()

    async def _serve(self, connection: socket.socket) -> None:
        loop, head = asyncio.get_running_loop(), b""
        with suppress(TimeoutError, OSError):  # it is closed without an answer
            async with asyncio.timeout(_REQUEST_TIMEOUT):
                while b"\r\n\r\n" not in head:
                    received = await loop.sock_recv(connection, _MAX_HEAD)
                    head += received
                    if not received or len(head) > _MAX_HEAD:
                        return
                self._answering.add(connection)
                await loop.sock_sendall(connection, await self._respond(head.partition(b" ")[0]))

    async def _respond(self, method: bytes) -> bytes:
        status, kind = "200 OK", self._type
        if method not in {b"GET", b"HEAD"}:
            status, kind = "405 Method Not Allowed", "text/plain"
            body = b"GET is what is answered\n"
        else:
            try:
                body = await self._metrics()
            except Exception as error:
                status, kind = "500 Internal Server Error", "text/plain"
                body = f"the metrics cannot be read: {error}\n".encode(errors="replace")
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        return head.encode() + b"connection: close\r\n\r\n" + (b"" if method == b"HEAD" else body)

    async def _metrics(self) -> bytes:
        # One thread at a time reads the database, for all who ask meanwhile.
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(asyncio.to_thread(self._read))
        return await asyncio.shield(self._reading)


class _DatabaseMetrics:
    """The gauges of the database, read when Prometheus asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> "list[Metric]":
        """Return nothing, so that the registry does not read the database when it is made."""
        return []

    def collect(self) -> "Iterator[Metric]":
        """Yield the gauges; of a database that cannot be read only that."""
        from prometheus_client.core import GaugeMetricFamily as Gauge

        try:
            with self._store.reading() as reader:
                status, now = read_status(reader), reader.now
        except FiretowerError:
            yield Gauge("firetower_database_up", "Whether the database answers.", 0)
            return
        yield Gauge("firetower_database_up", "Whether the database answers.", 1)
        yield Gauge("firetower_due", "Executions due and not taken.", status.due)
        age = _age(status.oldest_due_at, now)
        yield Gauge("firetower_oldest_due_seconds", "Age of the oldest of them.", age)
        events = status.unevaluated
        yield Gauge("firetower_unevaluated_events", "Events that wait for evaluation.", events)
        age = _age(status.oldest_unevaluated_at, now)
        yield Gauge("firetower_oldest_unevaluated_seconds", "Age of the oldest of them.", age)
        yield Gauge("firetower_retrying", "Executions that wait for an attempt.", status.retrying)
        yield Gauge("firetower_workers", "Workers alive.", len(status.workers))
        if status.workers:
            newest = max(worker.heartbeat_at for worker in status.workers).timestamp()
            yield Gauge("firetower_heartbeat_timestamp_seconds", "The newest heartbeat.", newest)


def _age(moment: datetime | None, now: datetime) -> float:
    return 0 if moment is None else (now - moment).total_seconds()
