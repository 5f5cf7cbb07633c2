"""A server from its start to its end."""

import asyncio

from firetower.server.app import Server
from firetower.server.run import listening, registered
from firetower.server.settings import ServerSettings
from firetower.store.store import Store
from firetower.tower import Tower
from waiting import TIMEOUT

URL = "http://127.0.0.1:1"


def test_server_is_seen_while_it_runs(store: Store) -> None:
    tower, server = Tower(store), Server(store, ServerSettings(port=0))

    async def run() -> None:
        async with listening(server), registered(server, URL):
            while not tower.status().servers:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(run(), TIMEOUT))
    assert tower.status().servers == ()
