"""How many connections the server holds open, so that none takes the last file handle."""

import asyncio
from typing import Any

from aiohttp import web

MOST = 1_000
"""Connections open at a time, at most."""
ACCEPTED_AT_ONCE = 4
"""Connections that are accepted before the first of them is counted."""
_WAITING = 128
"""Connections that the system keeps until they are accepted."""


async def listen(site: web.TCPSite) -> None:
    """Start accepting a site's connections. Raises OSError."""
    await site.start()
    assert isinstance(site._server, asyncio.Server)  # noqa: SLF001 - nothing public has its sockets
    for listening in site._server.sockets:  # noqa: SLF001
        # asyncio takes one number for how many it accepts at once and for how many may wait.
        with listening.dup() as same:
            same.listen(_WAITING)


def bound_connections(
    server: web.Server, idle: dict[asyncio.BaseProtocol, None], most: int
) -> None:
    """Close the connection that has been `idle` for longest, for each one more than `most`.

    Who answers requests takes a connection from `idle` meanwhile, and puts it back at the end.
    """
    accept, lose = server.connection_made, server.connection_lost

    def connection_made(handler: Any, transport: asyncio.Transport) -> None:  # noqa: ANN401
        accept(handler, transport)
        idle[handler] = None
        open_now = sum(one.transport is not None for one in server.connections)
        if open_now > most and (longest := next(iter(idle), None)) is not None:
            del idle[longest]
            longest.force_close()  # type: ignore[attr-defined]

    def connection_lost(handler: Any, exc: BaseException | None = None) -> None:  # noqa: ANN401
        lose(handler, exc)
        idle.pop(handler, None)

    server.connection_made = connection_made  # type: ignore[method-assign]
    server.connection_lost = connection_lost  # type: ignore[method-assign]
