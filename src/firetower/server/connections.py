"""How many connections the server holds open, so that none takes the last file handle."""

import asyncio
from collections.abc import Container
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


def bound_connections(server: web.Server, at_work: Container[asyncio.Protocol], most: int) -> None:
    """Close the oldest connection that is not at work, for each one more than `most`."""
    accept = server.connection_made

    def connection_made(handler: Any, transport: asyncio.Transport) -> None:  # noqa: ANN401
        accept(handler, transport)
        open_now = [one for one in server.connections if one.transport is not None]
        idle = next((one for one in open_now if one not in at_work), None)
        if len(open_now) > most and idle is not None:
            idle.force_close()

    server.connection_made = connection_made  # type: ignore[method-assign]
