"""Send one request, and read its answer within bounds."""

import asyncio
import errno
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Self, TypeAlias, cast
from urllib.parse import quote

import aiodns
import aiohttp
import certifi
import httpx
from aiohttp.abc import ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import AddrInfoType, Connection
from aiohttp.http_exceptions import BadHttpMessage
from yarl import URL

from firetower.core.errors import InvalidInput, NotReady, OutOfResources
from firetower.core.requests import Request
from firetower.core.retry import Answer
from firetower.delivery.environment import (
    ca_file_problem,
    certificate_problem,
    find_proxy,
    is_no_file,
    is_private_target,
    read_proxies,
)
from firetower.settings import ALLOW_PRIVATE_TARGETS, read_settings

Client: TypeAlias = httpx.AsyncBaseTransport

MAX_BODY = 64 * 1024
"""Bytes of an answer that are read; also of one of its headers."""
LOOKUP_TIMEOUT = 5
"""Seconds within which a name is found. What was found is kept for ten."""
_LOOKUP: dict[str, Any] = {"timeout": 1.5, "tries": 2}
_MAX_HEAD = 8 * 1024
"""Bytes of an answer in which its status is looked for if the answer cannot be read."""
_STATUS = re.compile(
    rb"(?:HTTP/1\.[01] 1(?!01)\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)*"
    rb"HTTP/1\.[01] (101|[2-9]\d\d)[ \r\n]"
)
"""The final status line, after informational answers."""
_RETRY_AFTER = re.compile(rb"\nretry-after:[ \t]*([!-~ ]+?)[ \t]*\n", re.IGNORECASE)
_PARTS = re.compile(r"(\w+://)(\[[^\]]*\]|[^/?#:]*)(:\d*)?(.*)", re.DOTALL)
"""Scheme, host, port and the rest of a URL that was checked."""
_ASCII = "".join(map(chr, range(128)))
_PRIVATE_HINT = f"set {ALLOW_PRIVATE_TARGETS}=1 to send there"
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL}
"""Errors of this machine, not of the endpoint."""
_NO_ROUTE = {errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}
_ROOT_SERVERS = ((socket.AF_INET, "198.41.0.4"), (socket.AF_INET6, "2001:503:ba3e::2:30"))
"""Addresses that every machine on the internet has a route to."""
_ERRNO = re.compile(r"\[Errno (\d+)\]")
_ANSWERED = {aiodns.error.ARES_ENOTFOUND, aiodns.error.ARES_ENODATA}
"""Failed look-ups of which a name server said that there is nothing."""


@asynccontextmanager
async def open_client() -> AsyncIterator[Client]:
    """Open the client that sends to all endpoints.

    TLS is verified, redirects are not followed, cookies are not kept. The number of connections
    has no limit here: the worker bounds its requests. The environment's proxies and CA
    certificates are used; addresses that only this machine can reach only if it says so.
    """
    connector = _Connector()
    async with aiohttp.ClientSession(
        connector=connector,
        request_class=_Request,
        response_class=_Response,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(),  # none: `send` sets one deadline for the whole attempt
        auto_decompress=False,
        max_line_size=MAX_BODY,
        max_field_size=MAX_BODY,
    ) as session:
        yield _Transport(session, connector)


def _open_tls(ca_file: str | None = None) -> ssl.SSLContext:
    # OpenSSL reads these itself, and ignores files it cannot read.
    own = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
    context = ssl.create_default_context(cafile=ca_file or (None if own else certifi.where()))
    context.set_alpn_protocols(["http/1.1"])
    return context


async def send(
    client: Client,
    request: Request,
    timeout: timedelta,  # noqa: ASYNC109
    permit: asyncio.Future[float] | None = None,
) -> Answer:
    """Send a request and return its answer, secrets included; a failure is an answer too.

    `timeout` bounds the whole attempt. Once a status has arrived the answer counts by it, even if
    the rest is broken, too long or late. Nothing is sent before `permit`, which ends with the
    moment by the loop's clock from which `timeout` counts. Raises NotReady for what this machine
    lacks, which says nothing of the endpoint.
    """
    error = None
    try:
        async with asyncio.timeout(timeout.total_seconds()) as deadline:
            received = _Exchange(deadline, timeout, permit)
            _receiving.set(received)
            await _exchange(client, request, received)
    except TimeoutError:
        error = f"no complete answer within {timeout.total_seconds():g} s"
    except (aiohttp.ClientError, OSError, MemoryError) as caught:
        _refuse_exhaustion(caught)
        _refuse_own_certificates(caught, request)
        error = _describe(caught, request.url)
    except InvalidInput as caught:  # a proxy that cannot be used
        error = caught.message
    # A header that cannot be sent, an answer that is not HTTP.
    except (ValueError, httpx.InvalidURL) as caught:
        error = f"the request failed: {caught}"
    if (status := received.status) is None:
        return Answer(error=error)
    return Answer(
        status_code=status,
        body=received.body[:MAX_BODY].decode("utf-8", "replace"),
        cut=error is not None or len(received.body) >= MAX_BODY,
        retry_after=received.retry_after,
    )


_read_url = lru_cache(maxsize=1_024)(httpx.URL)


async def _exchange(client: Client, request: Request, received: "_Exchange") -> None:
    message = httpx.Request(
        "POST",
        _read_url(request.url),
        headers={"accept": "*/*", "accept-encoding": "identity", **request.headers},
        stream=httpx.ByteStream(request.body),
        extensions={"url": request.url, "proxy": request.proxy, "ca_file": request.ca_file},
    )
    message.headers.encoding = "ascii"  # else httpx finds it out by decoding all of them
    response = await client.handle_async_request(message)
    received.response = response
    async with aclosing(response):
        async for chunk in response.aiter_raw():
            received.body += chunk
            if len(received.body) >= MAX_BODY:
                break


@dataclass(slots=True)
class _Exchange:
    """A request under way: its permit to be sent, and the answer so far."""

    deadline: asyncio.Timeout
    timeout: timedelta
    permit: asyncio.Future[float] | None
    connection: "_Connection | None" = None
    response: httpx.Response | None = None
    body: bytearray = field(default_factory=bytearray)

    async def await_permit(self) -> None:
        """Wait, without a deadline, until the request may be sent."""
        if self.permit is not None:
            self.deadline.reschedule(None)
            begun = await asyncio.shield(self.permit)
            self.deadline.reschedule(begun + self.timeout.total_seconds())

    @property
    def status(self) -> int | None:
        if self.response is not None:
            return self.response.status_code
        found = self._final()
        return None if found is None else int(found[1])

    @property
    def retry_after(self) -> str | None:
        if self.response is not None:
            value: str | None = self.response.headers.get("retry-after")
            return value
        if (final := self._final()) is None:
            return None
        after: bytes = final.string[final.end() - 1 :]
        headers = after.replace(b"\r", b"").partition(b"\n\n")[0]
        found = _RETRY_AFTER.search(headers + b"\n")
        return None if found is None else str(found[1], "ascii")

    def _final(self) -> "re.Match[bytes] | None":
        # aiohttp parses all headers or nothing.
        return None if self.connection is None else _STATUS.match(self.connection.head)


_receiving: ContextVar[_Exchange] = ContextVar("receiving")


class _Resolver(aiohttp.AsyncResolver):
    """Looks names up on the event loop, in /etc/hosts and DNS: a thread would wait for each."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT):
                return await super().resolve(host, port, family)
        except TimeoutError:
            _refuse_no_network()
            raise OSError(f"the host's name was not found within {LOOKUP_TIMEOUT} s") from None
        except OSError as error:
            with socket.socket():  # raises what the look-up may have lacked: a file handle
                _refuse_no_resolver(error.__cause__)
                raise socket.gaierror(*error.args) from None


class _Connection(ResponseHandler):
    """Keeps the first bytes of an answer."""

    head = b""

    def set_response_params(self, **options: Any) -> None:
        self.head = b""
        super().set_response_params(**options)

    def data_received(self, data: bytes) -> None:
        if len(self.head) < _MAX_HEAD:
            self.head += data[:_MAX_HEAD]
            if len(self.head) >= _MAX_HEAD and _STATUS.match(self.head.lstrip(b"\r\n")) is None:
                # Before it is parsed: a flood of informational answers would keep the loop busy.
                self.set_exception(BadHttpMessage(f"no status in its first {_MAX_HEAD:,} bytes"))
                self.transport.abort()  # type: ignore[union-attr]
                return
        super().data_received(data)


class _Connector(aiohttp.TCPConnector):
    def __init__(self) -> None:
        super().__init__(
            limit=0,
            resolver=_Resolver(**_LOOKUP),
            ssl=_open_tls(),
            socket_factory=self._open_socket,
        )
        self._proxies = read_proxies()
        self._own_tls: dict[str, tuple[object, ssl.SSLContext]] = {}
        self._allows_private = read_settings().allow_private_targets
        self._resolver_owner = True  # closes it at the end
        kept: Callable[[], ResponseHandler] = partial(_Connection, loop=self._loop)
        self._factory = cast("partial[ResponseHandler]", kept)

    def tls_for(self, ca_file: str | None) -> ssl.SSLContext | bool:
        """Return how to verify: by these certificates, or as usual. Raises NotReady."""
        if ca_file is None:
            return True
        try:
            if is_no_file(ca_file):
                raise OSError(f"{ca_file} is no file")
            found = Path(ca_file).stat()
            state = (found.st_ino, found.st_size, found.st_mtime_ns)
            known = self._own_tls.get(ca_file)
            if known is None or known[0] != state:
                known = self._own_tls[ca_file] = state, _open_tls(ca_file)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            _refuse_exhaustion(error)
            problem = ca_file_problem("the endpoint", ca_file)
            said = (str(error), "") if problem is None else (problem.message, problem.hint)
            raise NotReady(*said) from error
        return known[1]

    def find_proxy(self, url: str, own: str | None) -> str | None:
        """Return the proxy for a URL; raises for an address that it must not be asked for."""
        proxy = own or (find_proxy(url, self._proxies) if self._proxies else None)
        if proxy is not None:
            self._check(_as_written(url).raw_host or "")
        return proxy

    def _check(self, host: str) -> None:
        if not self._allows_private and is_private_target(host):
            raise PermissionError(f"{host} is a link-local or metadata address: {_PRIVATE_HINT}")

    # Here the name has been looked up, and the connection goes to this very address.
    def _open_socket(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = address
        self._check(str(target[0]))
        return socket.socket(family, kind, protocol)


class _Transport(httpx.AsyncBaseTransport):
    """httpx on aiohttp's connections, which are seven times as fast at 16 requests in flight.

    Used without httpx.AsyncClient: its redirects, cookies and authentication, none of which is
    wanted, take a third of a delivery's CPU time. Raises aiohttp's errors: they keep the cause.
    """

    def __init__(self, session: aiohttp.ClientSession, connector: _Connector) -> None:
        self._session, self._connector = session, connector

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        written, own = request.extensions["url"], request.extensions
        response = await self._session.post(
            _as_written(written),
            proxy=self._connector.find_proxy(written, own["proxy"]),
            ssl=self._connector.tls_for(own["ca_file"]),
            headers=request.headers,
            data=request.read(),
            allow_redirects=False,
        )
        headers, stream = response.raw_headers, _Body(response)
        return httpx.Response(response.status, headers=headers, stream=stream, request=request)


@lru_cache(maxsize=1_024)
def _as_written(url: str) -> URL:
    """Return a URL as it was written, its letters beyond ASCII percent-encoded."""
    # Both httpx and yarl would encode again what is encoded already.
    scheme, host, port, rest = _PARTS.fullmatch(url).groups("")  # type: ignore[union-attr]
    host = URL.build(scheme="http", host=host).raw_host or "" if not host.isascii() else host
    return URL(f"{scheme}{host}{port}{quote(rest, safe=_ASCII)}", encoded=True)


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        self._response.release()


class _Request(aiohttp.ClientRequest):
    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        await _receiving.get().await_permit()
        return await super().send(conn)


class _Response(aiohttp.ClientResponse):
    async def start(self, connection: Connection) -> Self:
        if isinstance(connection.protocol, _Connection):
            _receiving.get().connection = connection.protocol
        await super().start(connection)
        return self


def _refuse_no_resolver(error: BaseException | None) -> None:
    """Raise NotReady if a look-up failed because no name server can be reached from here."""
    code = error.args[0] if isinstance(error, aiodns.error.DNSError) else None
    if code not in _ANSWERED:
        _refuse_no_network()
    if code == aiodns.error.ARES_ECONNREFUSED:
        raise NotReady(
            "no name server of this machine can be reached",
            "Check /etc/resolv.conf, or start the resolver that it names.",
        )


def _refuse_no_network() -> None:
    """Raise NotReady if no route leads out of this machine. Nothing is sent to find that out."""
    for family, address in _ROOT_SERVERS:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
            return
    raise NotReady(
        "this machine has no network: no route leads out of it",
        "Connect it, or check its routes with `ip route`.",
    )


def _refuse_exhaustion(error: BaseException | None) -> None:
    """Raise OutOfResources or NotReady if an error comes from a want of this machine."""
    while error is not None:
        numbers = _errnos(error)
        if numbers and numbers <= _NO_ROUTE:
            _refuse_no_network()
        if isinstance(error, MemoryError) or numbers & _EXHAUSTED:
            raise OutOfResources(str(error)) from error
        error = error.__cause__


def _errnos(error: BaseException) -> set[int]:
    """Return an error's number; where several addresses of a name were tried, that of each."""
    if (number := getattr(error, "errno", None)) is not None:
        return {number}
    return set(map(int, _ERRNO.findall(str(error)))) if isinstance(error, OSError) else set()


def _refuse_own_certificates(error: BaseException, request: Request) -> None:
    """Raise NotReady where a server cannot be verified because the environment's CAs are bad."""
    root = _root_of(error)
    if request.ca_file is not None or not isinstance(root, ssl.SSLCertVerificationError):
        return
    if problem := certificate_problem():
        raise NotReady(problem.message, problem.hint) from error


def _describe(error: BaseException, url: str) -> str:
    """Name the root cause, and the proxy where that is what was not reached."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    at = ""
    if isinstance(error, aiohttp.ClientConnectorError):
        target = _as_written(url)
        at = "" if (error.host, error.port) == (target.raw_host, target.port) else "the proxy: "
    return at + _describe_root(_root_of(error))


def _root_of(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _describe_root(root: BaseException) -> str:
    match root:
        case ConnectionRefusedError():
            return "connection refused"
        case socket.gaierror() | aiohttp.ClientConnectorDNSError():
            return "the host's name was not found"
        case ConnectionResetError() | aiohttp.ServerDisconnectedError() | BrokenPipeError():
            return "connection reset"
        case ssl.SSLCertVerificationError():
            return f"the TLS certificate was refused: {root.verify_message}"
        case aiohttp.ClientResponseError() | BadHttpMessage():
            message = " ".join(root.message.split())
            return f"the answer is not HTTP: {message}"
        case _:
            return str(root) or type(root).__name__
