"""A worker's metrics for Prometheus: what it did, and the state of the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from firetower.core.errors import FiretowerError, InvalidInput, StoreError
from firetower.core.feed import FeedLine
from firetower.core.text import quoted, shortened
from firetower.store.status import read_status
from firetower.store.store import Store

if TYPE_CHECKING:
    from prometheus_client import Metric

_LOOPBACK = "127.0.0.1"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Upper bounds of the histogram; an attempt ends after 10 s unless its endpoint says otherwise."""

Emit = Callable[[FeedLine], None]
Report = Callable[[str], None]


def read_address(said: str) -> tuple[str, int]:
    """Read PORT or HOST:PORT; without a host it is loopback. Raises InvalidInput."""
    host, _, port = said.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 65536):
        raise InvalidInput(
            f"{quoted(shortened(said, 40))} is no address to listen on",
            "Write PORT, or HOST:PORT such as 0.0.0.0:9464.",
        )
    return host.removeprefix("[").removesuffix("]") or _LOOPBACK, int(port)


@contextmanager
def serving(store: Store, address: str | None, emit: Emit, report: Report) -> Iterator[Emit]:
    """Serve metrics while the block runs; yield what emits a line and counts it.

    Without an address nothing is served. Raises InvalidInput for one that cannot be read,
    StoreError where it cannot be listened on or the extra is not installed.
    """
    if address is None:
        yield emit
        return
    host, port = read_address(address)
    try:
        import prometheus_client as prometheus
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

    try:
        server, thread = prometheus.start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise StoreError(
            f"metrics cannot be served on {host}:{port}: {error.strerror}",
            "Choose another address with --metrics.",
        ) from None
    try:
        report(f"metrics on http://{host}:{server.server_port}/metrics")
        yield count
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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
