"""Endpoints that misbehave below HTTP: each path of a server treats its callers in its own way."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import parse_headers
from typing import BinaryIO

from receiver import Received

OK = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Rogue:
    """A server, and everything that arrived."""

    ended: threading.Event = field(default_factory=threading.Event)
    requests: list[Received] = field(default_factory=list)
    port: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def tries(self, request: Received) -> int:
        """Count how often a request has come so far, this time included."""
        return sum(
            one.headers["webhook-id"] == request.headers["webhook-id"] for one in self.requests
        )


Behaviour = Callable[[socket.socket, Rogue, int], None]
"""Answers on a connection; the number counts the tries of the same request from 1."""


def _answers(status: str, *headers: str) -> Behaviour:
    if not any(header.startswith("connection:") for header in headers):
        headers = (*headers, "connection: close")  # or the next request meets a reset
    lines = "\r\n".join([f"HTTP/1.1 {status}", *headers, "content-length: 0", "", ""])
    return lambda connection, _, __: connection.sendall(lines.encode())


def _hangs(_: socket.socket, rogue: Rogue, __: int) -> None:
    rogue.ended.wait(30)


def _drips_its_body(connection: socket.socket, rogue: Rogue, _: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while not rogue.ended.wait(0.02):
        connection.sendall(b"x")


def _drips_its_headers(connection: socket.socket, rogue: Rogue, _: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not rogue.ended.wait(0.02):
        connection.sendall(b"x: y\r\n")


def _resets(connection: socket.socket, _: Rogue, __: int) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _sends_ten_megabytes(connection: socket.socket, _: Rogue, __: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9999996\r\n\r\n")
    connection.sendall(b"\x1b]0;x\x07" * 1_666_666)


def _never_ends_its_headers(connection: socket.socket, rogue: Rogue, _: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not rogue.ended.is_set():
        connection.sendall(b"x: " + b"y" * 4_000 + b"\r\n")


def _never_ends_its_information(connection: socket.socket, rogue: Rogue, _: int) -> None:
    while not rogue.ended.is_set():
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000)


def _sends_garbage(connection: socket.socket, _: Rogue, __: int) -> None:
    connection.sendall(b"\x00\xff\x1b[2J this is no HTTP\r\n\r\n")


def _flaps(connection: socket.socket, rogue: Rogue, number: int) -> None:
    if number % 2:
        _resets(connection, rogue, number)
    else:
        connection.sendall(OK)


def _bombs(connection: socket.socket, _: Rogue, __: int) -> None:
    """Say that a body is compressed which is not."""
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n"
    connection.sendall(head + b"zzzz")


BEHAVIOURS: dict[str, Behaviour] = {
    "/hangs": _hangs,
    "/drips-body": _drips_its_body,
    "/drips-headers": _drips_its_headers,
    "/resets": _resets,
    "/floods": _sends_ten_megabytes,
    "/endless-headers": _never_ends_its_headers,
    "/endless-information": _never_ends_its_information,
    "/garbage": _sends_garbage,
    "/miscompressed": _bombs,
    "/flaps": _flaps,
    "/busy": _answers("429 Too Many Requests"),
    "/busy-for-1s": _answers("429 Too Many Requests", "retry-after: 1"),
    "/busy-for-nonsense": _answers("429 Too Many Requests", "retry-after: \x1b[2J-1e999"),
    "/gone": _answers("410 Gone"),
    "/switches": _answers("101 Switching Protocols", "upgrade: x", "connection: upgrade"),
    "/healthy": lambda connection, _, __: connection.sendall(OK),
}


@contextmanager
def serve_rogue(elsewhere: str) -> Iterator[Rogue]:
    """Serve until the block ends; `/redirects` sends its callers to `elsewhere`."""
    behaviours = {
        **BEHAVIOURS,
        "/redirects": _answers("307 Temporary Redirect", f"location: {elsewhere}"),
    }
    rogue, threads = Rogue(), list[threading.Thread]()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        rogue.port = server.getsockname()[1]

        def accept() -> None:
            while not rogue.ended.is_set():
                connection, _ = server.accept()
                thread = threading.Thread(target=_serve, args=(connection, rogue, behaviours))
                thread.start()
                threads.append(thread)

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield rogue
        finally:
            rogue.ended.set()
            socket.create_connection(("127.0.0.1", rogue.port)).close()
            for thread in (acceptor, *threads):
                thread.join()


def _serve(connection: socket.socket, rogue: Rogue, behaviours: dict[str, Behaviour]) -> None:
    """Read one request and misbehave: each connection is used once."""
    with connection:
        try:
            with connection.makefile("rb") as stream:
                request = _read(stream)
            if request is None:
                return
            rogue.requests.append(request)
            behaviours[request.path](connection, rogue, rogue.tries(request))
        except OSError:
            return  # the caller has hung up


def _read(stream: BinaryIO) -> Received | None:
    words = stream.readline().decode().split()
    if not words:
        return None
    headers = {name.lower(): value for name, value in parse_headers(stream).items()}
    body = stream.read(int(headers["content-length"]))
    return Received(words[1], headers, body, 0.0)
