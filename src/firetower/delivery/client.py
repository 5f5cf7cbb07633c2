"""Send one request, and read its answer within bounds."""

import asyncio
import contextlib
import functools
import socket
from datetime import timedelta
from typing import TypeAlias

import aiohttp
import httpx
from aiohttp.http_exceptions import BadHttpMessage
from httpx_aiohttp import AiohttpTransport

from firetower.core.requests import Request
from firetower.core.retry import Answer

Client: TypeAlias = httpx.AsyncBaseTransport

MAX_BODY = 64 * 1024
"""Bytes of an answer that are read."""


def open_client() -> Client:
    """Return a client for every endpoint; use it as an async context manager.

    TLS is verified, redirects are not followed, cookies are not kept, and the environment's
    proxies are not used. The number of connections has no limit here: each endpoint has one.
    """
    # The transport alone: httpx.AsyncClient's redirects, cookies and authentication, none of which
    # is wanted, take 0.2 ms of CPU time a request, a third of all.
    return AiohttpTransport(client=_open_session)


def _open_session() -> aiohttp.ClientSession:
    # Made here: the transport's own session keeps cookies, and at most 100 connections.
    connector = aiohttp.TCPConnector(limit=0, ssl=httpx.create_ssl_context())
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def send(client: Client, request: Request, timeout: timedelta) -> Answer:  # noqa: ASYNC109
    """Send a request and return its answer, secrets included; a failure is an answer too.

    `timeout` bounds the whole attempt: httpx's timeouts bound its parts, and a body that drips
    meets each of them.
    """
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            return await _exchange(client, request)
    except TimeoutError:
        return Answer(error=f"no complete answer within {timeout.total_seconds():g} s")
    except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
        return Answer(error=_describe(error))
    except ValueError as error:  # a header that cannot be sent, an answer that is not HTTP
        return Answer(error=f"the request failed: {error}")


_read_url = functools.lru_cache(maxsize=1_024)(httpx.URL)


async def _exchange(client: Client, request: Request) -> Answer:
    message = httpx.Request(
        "POST",
        _read_url(request.url),
        headers={"accept": "*/*", "accept-encoding": "identity", **request.headers},
        content=request.body,
    )
    response = await client.handle_async_request(message)
    body = bytearray()
    async with contextlib.aclosing(response):
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) >= MAX_BODY:
                break
    return Answer(
        status_code=response.status_code,
        body=body[:MAX_BODY].decode("utf-8", "replace"),
        retry_after=None if response.is_success else response.headers.get("retry-after"),
    )


def _describe(error: BaseException) -> str:
    """Name the root cause: httpx-aiohttp reports most failures as time-outs."""
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
            message = " ".join(root.message.split())
            return f"the answer is not HTTP: {message}"
        case _:
            return str(root) or type(root).__name__
