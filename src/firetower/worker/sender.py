"""Sending one request, and reading its answer within bounds."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from functools import lru_cache

import aiohttp
import httpx
from aiohttp.http_exceptions import BadHttpMessage
from httpx_aiohttp import AiohttpTransport

from firetower.core.requests import Request
from firetower.core.retry import Answer

MOST_READ = 64 * 1024
"""Bytes of an answer that are read."""


class Sender:
    """Sends requests over one pool of connections."""

    def __init__(self, transport: AiohttpTransport) -> None:
        self._transport = transport

    async def send(self, request: Request, timeout: timedelta) -> Answer:  # noqa: ASYNC109
        """Send a request and return what came back, secrets and all; an error is an answer too.

        One deadline holds for the whole attempt: no timeout of a part bounds a body that drips.
        """
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await self._exchange(request)
        except TimeoutError:
            return Answer(error=f"no complete answer within {timeout.total_seconds():g} s")
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            return Answer(error=_reason(error))
        except ValueError as error:  # a header that cannot be sent, an answer that is no HTTP
            return Answer(error=f"the request failed: {error}")

    async def _exchange(self, request: Request) -> Answer:
        response = await self._transport.handle_async_request(_prepared(request))
        content = bytearray()
        async with aclosing(response):
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for chunk in response.stream:
                content += chunk
                if len(content) >= MOST_READ:
                    break
        return Answer(
            status_code=response.status_code,
            body=content[:MOST_READ].decode("utf-8", "replace"),
            retry_after=None if response.is_success else response.headers.get("retry-after"),
        )


_parsed = lru_cache(maxsize=256)(httpx.URL)
"""An endpoint's URL is read once, not for each of its requests."""


def _prepared(request: Request) -> httpx.Request:
    """Return a request as the transport takes it, which adds the headers that HTTP needs."""
    headers = httpx.Headers({**request.headers, "accept-encoding": "identity"})
    stream = httpx.ByteStream(request.body)
    prepared = httpx.Request("POST", _parsed(request.url), headers=headers, stream=stream)
    prepared.headers.encoding = "ascii"  # else httpx finds it out anew for each header it reads
    prepared.read()
    return prepared


def _reason(error: BaseException) -> str:
    """Return why no answer came, from the root: the transport calls most failures time-outs."""
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    match root:
        case ConnectionRefusedError():
            return "connection refused"
        case socket.gaierror() | aiohttp.ClientConnectorDNSError():
            return "the host's name was not found"
        case ConnectionResetError() | aiohttp.ServerDisconnectedError() | BrokenPipeError():
            return "connection reset"
        case aiohttp.ClientConnectorCertificateError():
            return f"the TLS certificate was refused: {root}"
        case aiohttp.ClientResponseError() | BadHttpMessage():
            said = " ".join(root.message.split())
            return f"the answer is not HTTP: {said}"
        case _:
            return str(root) or type(root).__name__


@asynccontextmanager
async def open_sender() -> AsyncIterator[Sender]:
    """Open a pool of connections without a limit of its own: each endpoint has one.

    TLS is verified. The transport is used without a client, whose redirects, cookies and proxies
    are not wanted.
    """
    context = httpx.create_ssl_context()

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async with AiohttpTransport(verify=context, client=session) as transport:
        yield Sender(transport)
