"""Answers of every kind, from real sockets."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from firetower.core.requests import Request
from firetower.core.retry import Answer
from firetower.delivery.client import MAX_BODY, open_client, send
from receiver import serve


def answer_of(url: str, seconds: float = 5) -> Answer:
    async def exchange() -> Answer:
        async with open_client() as client:
            request = Request(url, {"content-type": "application/json"}, b"{}")
            return await send(client, request, timedelta(seconds=seconds))

    return asyncio.run(exchange())


@contextmanager
def raw_server(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Accept one connection and let it be treated as told."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                behave(connection, done)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            done.set()
            thread.join()


def test_a_success_brings_its_status_and_body() -> None:
    with serve() as receiver:
        assert answer_of(receiver.url()) == Answer(200, body="ok")


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed(status: int) -> None:
    with serve() as receiver:
        receiver.answer = lambda _: (status, {"location": receiver.url("/elsewhere")}, b"")
        answer = answer_of(receiver.url())
        assert answer.status_code == status
        assert not answer.succeeded
        assert receiver.at("/elsewhere") == []


def test_retry_after_is_kept() -> None:
    with serve() as receiver:
        receiver.answer = lambda _: (429, {"retry-after": "7"}, b"")
        assert answer_of(receiver.url()).retry_after == "7"


def test_a_long_body_is_cut() -> None:
    with serve() as receiver:
        receiver.answer = lambda _: (200, {}, b"x" * 10_000_000)
        answer = answer_of(receiver.url())
        assert answer.succeeded
        assert answer.body == "x" * MAX_BODY


def test_a_refused_connection_is_called_so() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert (
            answer_of(f"http://127.0.0.1:{unused.getsockname()[1]}/").error == "connection refused"
        )


def test_a_reset_is_called_so() -> None:
    def reset(connection: socket.socket, _: threading.Event) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with raw_server(reset) as url:
        assert answer_of(url).error == "connection reset"


def test_garbage_is_an_error() -> None:
    def garbage(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(b"\x00\xff this is no HTTP\r\n\r\n")

    with raw_server(garbage) as url:
        answer = answer_of(url)
        assert answer.status_code is None
        assert "not HTTP" in str(answer.error)


def test_a_silent_endpoint_ends_at_the_deadline() -> None:
    with raw_server(lambda _, done: (done.wait(10), None)[1]) as url:
        assert answer_of(url, 0.2).error == "no complete answer within 0.2 s"


def test_a_body_that_drips_ends_at_the_deadline() -> None:
    def drip(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not done.wait(0.02):
            connection.sendall(b"x")

    with raw_server(drip) as url:
        assert answer_of(url, 0.3).error == "no complete answer within 0.3 s"


def test_a_name_that_does_not_exist_is_called_so() -> None:
    assert answer_of("http://firetower.invalid/").error == "the host's name was not found"


def test_client_keeps_no_cookies() -> None:
    async def exchange(url: str) -> None:
        request = Request(url, {"content-type": "application/json"}, b"{}")
        async with open_client() as client:
            for _ in range(2):
                await send(client, request, timedelta(seconds=60))

    with serve() as receiver:
        receiver.answer = lambda _: (200, {"set-cookie": "session=1; Path=/"}, b"")
        asyncio.run(exchange(receiver.url().replace("127.0.0.1", "localhost")))
        assert len(receiver.requests) == 2
        assert all("cookie" not in request.headers for request in receiver.requests)


def test_client_has_as_many_connections_as_are_asked_for() -> None:
    count, timeout = 120, timedelta(seconds=60)

    async def answer_all_at_once() -> list[int | None]:
        together = asyncio.Barrier(count)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"{}")
            await together.wait()
            writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1")
        request = Request(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, b"{}")
        async with server, open_client() as client:
            answers = await asyncio.gather(*(send(client, request, timeout) for _ in range(count)))
        return [one.status_code for one in answers]

    assert asyncio.run(answer_all_at_once()) == [204] * count
