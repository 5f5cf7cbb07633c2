"""Answers of every kind, from real sockets."""

import asyncio
import errno
import os
import resource
import socket
import threading
import time
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firetower.core.errors import NotReady, OutOfResources
from firetower.core.requests import Request
from firetower.core.retry import Answer
from firetower.delivery import client as client_module
from firetower.delivery.client import MAX_BODY, open_client, send
from firetower.delivery.environment import certificate_problem
from receiver import closed_port, serve
from waiting import TIMEOUT

LONG = timedelta(seconds=60)


def answer_of(url: str, seconds: float = 60) -> Answer:
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
        assert answer == Answer(200, body="x" * MAX_BODY, cut=True)


def test_what_follows_the_longest_body_is_not_awaited() -> None:
    late: list[bool] = []

    def behave(connection: socket.socket, done: threading.Event) -> None:
        head = b"content-length: %d\r\n\r\n" % (MAX_BODY + 1)
        connection.sendall(OK + head + b"x" * MAX_BODY)
        late.append(not done.wait(10))

    with raw_server(behave) as url:
        assert answer_of(url) == Answer(200, body="x" * MAX_BODY, cut=True)
    assert late == [False]


def test_an_answer_that_cannot_be_read_has_its_own_status() -> None:
    def behave(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(OK + b"content-length: 0\r\n\r\n")
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 503 Busy\r\nthis is no header\r\n\r\n")

    async def exchange(url: str) -> list[int | None]:
        async with open_client() as client:
            request = Request(url, {}, b"{}")
            return [(await send(client, request, LONG)).status_code for _ in range(2)]

    with raw_server(behave) as url:
        assert asyncio.run(exchange(url)) == [200, 503]


def test_time_begins_to_count_when_the_request_may_be_sent() -> None:
    async def exchange(url: str) -> Answer:
        async with open_client() as client:
            loop = asyncio.get_running_loop()
            permit = loop.create_future()
            begun = loop.time() + LONG.total_seconds()  # else a slow machine would be late
            loop.call_later(0.1, permit.set_result, begun)
            return await send(client, Request(url, {}, b"{}"), timedelta(seconds=0.05), permit)

    with serve() as receiver:
        assert asyncio.run(exchange(receiver.url())) == Answer(200, body="ok")


def test_time_that_passed_since_the_permit_counts() -> None:
    async def exchange(url: str) -> Answer:
        async with open_client() as client:
            loop = asyncio.get_running_loop()
            permit = loop.create_future()
            permit.set_result(loop.time() - 60)
            return await send(client, Request(url, {}, b"{}"), LONG, permit)

    with raw_server(lambda _, done: (done.wait(10), None)[1]) as url:
        assert asyncio.run(exchange(url)).error == "no complete answer within 60 s"


def test_a_refused_connection_is_called_so() -> None:
    with closed_port() as port:
        assert answer_of(f"http://127.0.0.1:{port}/").error == "connection refused"


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


OK = b"HTTP/1.1 200 OK\r\n"
RESET = b"\1\0\0\0\0\0\0\0"


@pytest.mark.parametrize(
    "rest",
    [
        b"x-long: " + b"y" * 9_000 + b"\r\ncontent-length: 2\r\n\r\nok",
        b"x-long: " + b"y" * 200_000 + b"\r\ncontent-length: 2\r\n\r\nok",
        b"".join(b"x-%d: y\r\n" % number for number in range(500)) + b"content-length: 0\r\n\r\n",
        b"this is no header\r\n\r\n",
        b"content-length: nonsense\r\n\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n\r\n12345",
        b"content-length: 100\r\n\r\nonly this",
        b"transfer-encoding: chunked\r\n\r\nzz\r\nno chunk",
        b"transfer-encoding: chunked\r\n\r\n5\r\n12",
        b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\nzzzz",
        b"",
        b"x: y",
    ],
)
@pytest.mark.parametrize("reset", [False, True])
def test_an_answer_counts_by_its_status_whatever_follows(rest: bytes, reset: bool) -> None:
    def behave(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(OK)
        connection.sendall(rest)
        if reset:
            time.sleep(0.02)  # what was sent arrives before the reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    with raw_server(behave) as url:
        answer = answer_of(url)
    assert (answer.status_code, answer.error) == (200, None)
    assert answer.succeeded


@pytest.mark.parametrize(
    ("rest", "wait"),
    [
        (b"retry-after: 77\r\nthis is no header\r\n\r\n", "77"),
        (b"x: y\r\nRetry-After:\t77 \r\nx-long: " + b"y" * 200_000 + b"\r\n\r\n", "77"),
        (b"broken\r\n\r\nretry-after: 77\r\n", None),
    ],
)
def test_a_wait_before_what_is_broken_counts(rest: bytes, wait: str | None) -> None:
    answered = b"HTTP/1.1 429 Slow down\r\n" + rest
    with raw_server(lambda connection, _: connection.sendall(answered)) as url:
        answer = answer_of(url)
    assert (answer.status_code, answer.retry_after) == (429, wait)


def test_a_status_after_informational_ones_counts() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"

    def behave(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(hints + hints + b"HTTP/1.1 410 Gone\r\nno header\r\n\r\n")

    with raw_server(behave) as url:
        assert answer_of(url) == Answer(410, cut=True)


@pytest.mark.parametrize("half", [b"HTTP/1.1 20", b"HTTP/1.1 200", b"HTTP/1.1 103 x\r\n\r\n"])
def test_half_a_status_is_none(half: bytes) -> None:
    with raw_server(lambda connection, _: connection.sendall(half)) as url:
        answer = answer_of(url)
    assert answer.status_code is None
    assert answer.error == "connection reset"


@pytest.mark.parametrize("start", [b"content-length: 1000\r\n\r\n", b""])
def test_an_answer_that_drips_ends_at_the_deadline(start: bytes) -> None:
    def drip(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(OK + start)
        while not done.wait(0.02):
            connection.sendall(b"x")

    with raw_server(drip) as url:
        answer = answer_of(url, 2)
    assert (answer.status_code, answer.error, answer.cut) == (200, None, True)


def test_a_url_is_sent_as_it_is_written() -> None:
    with serve() as receiver:
        path = "/a%2Fb/%7e?q=a%2Bb+c%20d&e='%27'&x[]=1|2"
        assert answer_of(receiver.url(path)).succeeded
        assert receiver.requests[0].path == path
        assert answer_of(receiver.url("/é")).succeeded
        assert receiver.requests[1].path == "/%C3%A9"


@pytest.mark.parametrize("number", [errno.ENFILE, errno.ENOMEM, errno.EADDRNOTAVAIL])
def test_a_want_of_its_own_is_no_answer(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", refuse)
    with serve() as receiver, pytest.raises(OutOfResources, match=os.strerror(number)):
        answer_of(receiver.url())


@pytest.mark.parametrize("host", ["127.0.0.1", "firetower.invalid"])
def test_without_file_handles_there_is_no_answer(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())

    async def exchange() -> None:
        async with open_client() as client:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                assert certificate_problem() is None
                await send(client, Request(f"http://{host}/", {}, b""), timedelta(seconds=9))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    with pytest.raises(OutOfResources, match="Too many open files"):
        asyncio.run(exchange())


NO_ROUTE, ROUTE = (), ((socket.AF_INET, "127.0.0.1"),)


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH])
def test_without_a_network_there_is_no_answer(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", refuse)
    monkeypatch.setattr(client_module, "_ROOT_SERVERS", ROUTE)
    said = answer_of("http://192.0.2.1/").error
    assert said is not None
    assert os.strerror(number) in said
    monkeypatch.setattr(client_module, "_ROOT_SERVERS", NO_ROUTE)
    for host in ("192.0.2.1", "localhost"):  # one address, and several
        with pytest.raises(NotReady, match="this machine has no network"):
            answer_of(f"http://{host}/")
    for others, raised in ((number, True), (errno.ECONNREFUSED, False)):
        tried = [f"[Errno {one}] Connect call failed" for one in (number, others)]
        with pytest.raises(NotReady) if raised else nullcontext():
            client_module._refuse_exhaustion(OSError(f"Multiple exceptions: {', '.join(tried)}"))


@contextmanager
def name_server(
    code: int | None, answers: threading.Event | None = None
) -> Iterator[dict[str, Any]]:
    """Answer look-ups with a code of DNS, None is never; where to ask.

    `answers` is what the answers wait for.
    """
    server = socket.socket(type=socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve_names() -> None:
        with suppress(OSError):
            while True:
                asked, client = server.recvfrom(4_096)
                flags = bytes((0x81, 0x80 | (code or 0)))
                if answers is not None:
                    answers.wait()
                if code is not None:
                    server.sendto(asked[:2] + flags + asked[4:6] + bytes(6) + asked[12:], client)

    port = server.getsockname()[1]
    if code == CLOSED:
        server.close()
    else:
        threading.Thread(target=serve_names, daemon=True).start()
    with closing(server):
        yield {"nameservers": ["127.0.0.1"], "udp_port": port, "tcp_port": port}


NOT_FOUND, FAILED, CLOSED = 3, 2, -1


@pytest.mark.parametrize(
    ("code", "root_servers", "error"),
    [
        (NOT_FOUND, ROUTE, "the host's name was not found"),
        (NOT_FOUND, NO_ROUTE, "the host's name was not found"),
        (FAILED, ROUTE, "the host's name was not found"),
        (FAILED, NO_ROUTE, NotReady("this machine has no network", "")),
        (None, ROUTE, "the host's name was not found within 0.5 s"),
        (None, NO_ROUTE, NotReady("this machine has no network", "")),
        (CLOSED, ROUTE, NotReady("no name server of this machine can be reached", "")),
    ],
)
def test_a_name_is_looked_for_in_vain(
    code: int | None, root_servers: Any, error: str | NotReady, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "LOOKUP_TIMEOUT", 0.5 if code is None else 60)
    monkeypatch.setattr(client_module, "_ROOT_SERVERS", root_servers)
    with name_server(code) as where:
        lookup = {**client_module._LOOKUP, "tries": 1, **where}
        monkeypatch.setattr(client_module, "_LOOKUP", lookup)
        if isinstance(error, str):
            assert answer_of("http://firetower.test/", 60).error == error
        else:
            with pytest.raises(NotReady, match=error.message):
                answer_of("http://firetower.test/", 60)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1"])
def test_names_of_this_machine_are_found(host: str) -> None:
    with serve() as receiver:
        assert answer_of(f"http://{host}:{receiver.port}/").succeeded


def test_names_in_etc_hosts_are_found() -> None:
    name = socket.gethostname()
    if name not in Path("/etc/hosts").read_text().split():
        pytest.skip("the host's own name is not in /etc/hosts")
    with closed_port("0.0.0.0") as port:
        assert answer_of(f"http://{name}:{port}/").error == "connection refused"


def test_dead_names_delay_no_healthy_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    async def exchange(url: str) -> tuple[set[str | None], Answer]:
        async with open_client() as client, asyncio.TaskGroup() as group:
            dead = [
                group.create_task(send(client, Request(f"http://{name}.test/", {}, b""), LONG))
                for name in "abcdefghijklmnop"
            ]
            await asyncio.sleep(0)
            for _ in range(3):
                healthy = await send(client, Request(url, {}, b"{}"), LONG)
            assert not any(task.done() for task in dead)
            answers.set()
        return {task.result().error for task in dead}, healthy

    answers = threading.Event()
    monkeypatch.setattr(client_module, "LOOKUP_TIMEOUT", TIMEOUT)
    with serve() as receiver, name_server(NOT_FOUND, answers) as where:
        lookup = {**client_module._LOOKUP, "timeout": TIMEOUT, **where}
        monkeypatch.setattr(client_module, "_LOOKUP", lookup)
        errors, healthy = asyncio.run(exchange(f"http://localhost:{receiver.port}/"))
    assert errors == {"the host's name was not found"}
    assert healthy.succeeded


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


RAW = st.text(st.sampled_from("aZ9-._~:/?@!$&'()*+,;=é字😀 \"<>\\^`{|}"), max_size=30)
ENCODED = st.sampled_from(["%2F", "%2f", "%C3%A9", "%c3%a9", "%25", "%20", "+", "%"])


@given(st.lists(RAW | ENCODED))
def test_a_url_is_sent_byte_for_byte_but_for_letters_beyond_ascii(parts: list[str]) -> None:
    rest = "/" + "".join(parts)
    written = client_module._as_written(f"http://münchen.test:81{rest}")
    sent = "".join(one if one.isascii() else quote(one) for one in rest)
    assert written.raw_host == "xn--mnchen-3ya.test"
    path, _, query = sent.partition("?")
    assert written.raw_path_qs == (
        f"{path}?{query}" if query else path
    )  # yarl: an empty one is none
    plain = client_module._as_written(f"HTTP://[::1]:81{rest}")
    assert (plain.raw_host, plain.port) == ("::1", 81)
