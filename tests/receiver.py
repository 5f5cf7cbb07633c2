"""A real HTTP receiver on loopback, whose paths behave as asked."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from waiting import TIMEOUT


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """Everything that arrived, and how to answer."""

    port: int = 0
    requests: list[Received] = field(default_factory=list)
    answer: Callable[[Received], tuple[int, dict[str, str], bytes]] = lambda _: (200, {}, b"ok")
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        with self.arrived:
            return [request for request in self.requests if request.path == path]

    def wait_for(
        self, count: int, path: str | None = None, timeout: float = TIMEOUT
    ) -> list[Received]:
        def found() -> list[Received]:
            return [r for r in self.requests if path in {None, r.path}]

        with self.arrived:
            enough = self.arrived.wait_for(lambda: len(found()) >= count, timeout)
            assert enough, f"{len(found())} of {count} requests arrived"
            return found()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        receiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.path, headers, body, time.monotonic())
        with receiver.arrived:
            receiver.requests.append(received)
            receiver.arrived.notify_all()
        status, headers, content = receiver.answer(received)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def closed_port(host: str = "127.0.0.1") -> Iterator[int]:
    """Hold a port that refuses connections until a test serves on it; no other program gets it."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, 0))
        yield taken.getsockname()[1]


@contextmanager
def serve(port: int = 0) -> Iterator[Receiver]:
    """Serve on loopback until the block ends."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.receiver = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
