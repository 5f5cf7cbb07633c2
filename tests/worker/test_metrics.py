"""What Prometheus is told."""

import asyncio
import resource
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

import firetower
from firetower.core.errors import InvalidInput, StoreError
from firetower.core.feed import FeedLine
from firetower.store.store import Store
from firetower.worker.metrics import read_address, serving
from receiver import serve
from store.bench import Bench
from towers import linked_model, on_alias, started, webhook
from waiting import wait_until


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(Store.open(str(tmp_path / "tower.db"), author="ada"))


def test_it_counts_outcomes_and_tells_what_is_due(bench: Bench) -> None:
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    [claim] = bench.turn(room=1)
    bench.answer(claim, 202)
    bench.tower.add_alias(bench.version, "two")
    bench.turn()
    bench.tower.add_alias(bench.version, "three")
    bench.now += timedelta(seconds=90)
    first = bench.executions[0]
    seen: list[FeedLine] = []
    said: list[str] = []

    async def scrape() -> list[str]:
        async with serving(bench.store, "0", seen.append, said.append) as emit:
            emit(FeedLine.of(first))
            address = said[0].split()[-1]
            assert address.startswith("http://127.0.0.1:")
            return await asyncio.to_thread(asked, address)

    shown = asyncio.run(scrape())
    assert [line.execution for line in seen] == [first]
    assert 'firetower_outcomes_total{endpoint="ci",status="finished"} 1.0' in shown
    assert 'firetower_attempt_duration_seconds_count{endpoint="ci"} 1.0' in shown
    assert "firetower_due 1.0" in shown
    assert "firetower_oldest_due_seconds 90.0" in shown
    assert "firetower_unevaluated_events 1.0" in shown
    assert "firetower_oldest_unevaluated_seconds 90.0" in shown
    assert "firetower_workers 0.0" in shown
    assert "firetower_database_up 1.0" in shown
    bench.store.close()


def test_a_worker_serves_them_while_it_works(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    with serve() as receiver, firetower.connect(database) as tower:
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        with started(database, "worker", "--metrics", "0") as process:
            assert process.stderr is not None
            address = next(line for line in process.stderr if "metrics on" in line).split()[-1]
            tower.add_alias(version, "production")
            counted = 'firetower_outcomes_total{endpoint="ci",status="finished"} 1.0'
            wait_until(lambda: counted in asked(address), "the outcome to be counted")
            assert "firetower_workers 1.0" in asked(address)
            assert "firetower_oldest_due_seconds 0.0" in asked(address)


def asked(address: str) -> list[str]:
    with urllib.request.urlopen(address) as answer:
        shown: str = answer.read().decode()
    return shown.splitlines()


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A worker's address of metrics, and its process."""
    database = str(tmp_path / "tower.db")
    firetower.connect(database).close()
    with started(database, "worker", "--metrics", "0") as process:
        assert process.stderr is not None
        yield next(line for line in process.stderr if "metrics on" in line).split()[-1], process.pid


def test_an_odd_accept_header_gets_text(metrics: tuple[str, int]) -> None:
    openmetrics = "application/openmetrics-text;version="
    for accept in ("", ";", openmetrics, "*/*;q=x, \xff", "a/b;" * 2_000):
        answered = exchange(metrics[0], f"GET /metrics HTTP/1.1\r\nAccept: {accept}\r\n\r\n")
        assert answered.startswith("HTTP/1.1 200 OK\r\ncontent-type: text/plain")
        assert "firetower_database_up 1.0" in answered


def test_what_is_no_scrape_gets_no_traceback(metrics: tuple[str, int]) -> None:
    address = metrics[0]
    assert exchange(address, "POST /metrics HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 405 ")
    assert exchange(address, "HEAD / HTTP/1.0\r\n\r\n").endswith("connection: close\r\n\r\n")
    for nonsense in ("", "x", "\r\n" * 3, "GET /" + "x" * 200_000):
        exchange(address, nonsense)
    assert "firetower_database_up 1.0" in asked(address)


def test_idle_connections_are_bounded_and_let_others_in(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    firetower.connect(database).close()
    with started(database, "worker", "--metrics", "0") as process:
        assert process.stderr is not None
        address = next(line for line in process.stderr if "metrics on" in line).split()[-1]
        most = len(list(Path(f"/proc/{process.pid}/fd").iterdir())) + 24
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))
        process.send_signal(signal.SIGSTOP)  # so that they come at once
        with ExitStack() as stack:
            for _ in range(200):
                connection = stack.enter_context(socket.socket())
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", urlsplit(address).port))
            process.send_signal(signal.SIGCONT)
            assert "firetower_database_up 1.0" in asked(address)
        process.terminate()
        assert "Traceback" not in process.stderr.read()


def connected(address: str) -> socket.socket:
    port = urlsplit(address).port
    assert port is not None
    return socket.create_connection(("127.0.0.1", port))


def exchange(address: str, request: str) -> str:
    """Send what may be no request at all; return what comes back."""
    answer = b""
    with connected(address) as connection, suppress(OSError):
        connection.sendall(request.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        while received := connection.recv(65536):
            answer += received
    return answer.decode()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_an_address_is_loopback_unless_told(said: str, meant: tuple[str, int]) -> None:
    assert read_address(said) == meant


@pytest.mark.parametrize("said", ["", "host:", "70000", "-1", "9" * 5000, "٣"])
def test_what_is_no_address_is_refused(said: str) -> None:
    with pytest.raises(InvalidInput, match="no address"):
        read_address(said)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    nothing: Any = SimpleNamespace()

    async def serve_nothing() -> None:
        async with serving(nothing, "0", print, print):
            pass

    with pytest.raises(StoreError, match="not installed") as refused:
        asyncio.run(serve_nothing())
    assert "firetower[metrics]" in refused.value.hint
