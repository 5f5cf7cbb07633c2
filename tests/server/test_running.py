"""A server from its start to its end."""

import asyncio
import json

import httpx
import pytest

from firetower.delivery.environment import server_problem
from firetower.server import run as running
from firetower.server.app import Server
from firetower.server.run import listening, registered
from firetower.server.settings import ServerSettings
from firetower.store.store import Store
from firetower.store.workers import record_server
from firetower.tower import Tower
from serving import Running
from towers import run
from waiting import TIMEOUT

URL = "http://127.0.0.1:1"


def test_server_is_seen_while_it_runs(store: Store) -> None:
    tower, server = Tower(store), Server(store, ServerSettings(port=0))

    async def serve() -> None:
        async with listening(server), registered(server, URL):
            while not tower.status().servers:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(serve(), TIMEOUT))
    assert tower.status().servers == ()


def test_connections_without_a_request_make_room_for_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST", 8)
    server = Server(store, ServerSettings(port=0))

    async def flood() -> None:
        async with listening(server) as port:
            place, url = ("127.0.0.1", port), f"http://127.0.0.1:{port}/healthz"
            async with httpx.AsyncClient() as client:
                assert (await client.get(url)).status_code == 200
                [kept] = server.idle
                opened = [await asyncio.open_connection(*place) for _ in range(7)]
                assert (await client.get(url)).status_code == 200
                opened += [await asyncio.open_connection(*place) for _ in range(3)]
                while len(server.idle) > 8:
                    await asyncio.sleep(0.01)
                assert kept in server.idle  # it is the oldest, and was used since
                opened += await asyncio.gather(
                    *(asyncio.open_connection(*place) for _ in range(20))
                )
                assert (await client.get(url)).status_code == 200
            while (closed := sum(reader.at_eof() for reader, _ in opened)) < 23:
                await asyncio.sleep(0.01)
            assert closed == 23  # seven are left beside the request's own
            for _, writer in opened:
                writer.close()

    asyncio.run(asyncio.wait_for(flood(), TIMEOUT))


def test_doctor_asks_a_server_whether_it_is_well(on_sqlite: Running) -> None:
    assert server_problem(on_sqlite.url) is None
    with on_sqlite.server.store.changing() as change:
        record_server(change, "a", URL, {})
    done = run(on_sqlite.database, "doctor", "--json")
    said = [one for one in map(json.loads, done.stdout.splitlines()) if one["check"] == "servers"]
    assert [one["health"] for one in said] == ["ok", "warn"]
    assert said[1]["message"].startswith(f"{URL} does not answer: ")
