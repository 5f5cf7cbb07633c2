"""Send one request, and read its answer within bounds."""

import asyncio
import http.cookiejar
import socket
from datetime import timedelta
from typing import TypeAlias

import aiohttp
import httpx
from aiohttp.http_exceptions import BadHttpMessage
from httpx_aiohttp import AiohttpTransport

from firetower.core.requests import Request
from firetower.core.retry import Answer

Client: TypeAlias = httpx.AsyncClient

MAX_BODY = 64 * 1024
"""Bytes of an answer that are read."""


def open_client() -> Client:
    """Return a client for every endpoint; use it as an async context manager.

    TLS is verified, redirects are not followed, cookies are not kept, and the environment's
    proxies are not used. The number of connections has no limit here: each endpoint has one.
    """
    no_cookies = http.cookiejar.DefaultCookiePolicy(allowed_domains=[])
    return httpx.AsyncClient(
        transport=AiohttpTransport(
            verify=httpx.create_ssl_context(),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        ),
        cookies=http.cookiejar.CookieJar(no_cookies),
        headers={"accept-encoding": "identity"},
        timeout=None,  # noqa: S113 - `send` sets one deadline for the whole attempt
        trust_env=False,
    )


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


async def _exchange(client: Client, request: Request) -> Answer:
    body = bytearray()
    async with client.stream(
        "POST", request.url, headers=dict(request.headers), content=request.body
    ) as response:
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
