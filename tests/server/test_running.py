"""A server from its start to its end."""

import asyncio
import json
import socket
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from firetower.cli.doctor import server_problem
from firetower.server import files
from firetower.server import run as running
from firetower.server.app import Server
from firetower.server.run import listening, registered
from firetower.server.settings import ServerSettings
from firetower.store import store as stores
from firetower.store.store import Store
from firetower.store.workers import record_server
from firetower.tower import Tower
from serving import Running, serving
from towers import newer_schema, run
from waiting import TIMEOUT, wait_until

URL = "http://127.0.0.1:1"


def test_server_is_seen_while_it_runs_and_refuses_a_newer_database(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SERVER_HEARTBEAT_INTERVAL", timedelta(milliseconds=10))
    monkeypatch.setattr(stores, "SCHEMA_INTERVAL", 0)
    opened = Store.open(database_url)
    tower, server = Tower(store), Server(opened, ServerSettings(port=0))
    said: list[str] = []

    async def serve() -> None:
        async with (
            listening(server) as port,
            registered(server, URL, said.append),
            httpx.AsyncClient() as client,
        ):
            health = f"http://127.0.0.1:{port}/healthz"
            while URL not in {one.url for one in tower.status().servers}:
                await asyncio.sleep(0.01)
            with newer_schema(store):
                while (await client.get(health)).status_code == 200:
                    await asyncio.sleep(0.01)
                assert "was made by a newer Firetower" in (await client.get(health)).text
                while not said:
                    await asyncio.sleep(0.01)
            while (await client.get(health)).status_code != 200:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(serve(), TIMEOUT))
    opened.close()
    assert URL not in {one.url for one in tower.status().servers}
    [newer] = said
    assert "was made by a newer Firetower. Upgrade this program" in newer


def test_connections_without_a_request_make_room_for_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MAX_CONNECTIONS", 8)
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


def test_clients_that_neither_send_nor_read_are_let_go(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "READ_TIMEOUT", 0.2)
    monkeypatch.setattr(running, "WRITE_TIMEOUT_MS", 200)
    with serving(database_url, tmp_path, files=tmp_path / "files") as found:
        place = tmp_path / "files" / "00" / ("0" * 32)
        place.parent.mkdir()
        with place.open("wb") as large:
            large.truncate(64 << 20)

        def asks(request: str, path: str) -> socket.socket:
            client = socket.create_connection(("127.0.0.1", httpx.URL(found.url).port))
            head = f"{request} {found.server.settings.sign(path)} HTTP/1.1\r\nHost: x\r\n"
            client.sendall(f"{head}Content-Length: {9 if request == 'PUT' else 0}\r\n\r\n".encode())
            return client

        for path in (files.FILES + place.name, files.MANIFESTS + "a", files.DROPPED + "a"):
            with asks("PUT", path) as client:
                assert b"did not arrive within 0.2 s" in client.recv(4_096)
        with asks("GET", files.FILES + place.name) as client:
            assert client.recv(1)
            wait_until(lambda: not found.server.traffic.open, "the download to end")


def test_doctor_asks_a_server_whether_it_is_well(on_sqlite: Running) -> None:
    assert server_problem(on_sqlite.url) is None
    with on_sqlite.server.store.changing() as change:
        record_server(change, "a", URL, {})
    done = run(on_sqlite.database, "doctor", "--json")
    said = [one for one in map(json.loads, done.stdout.splitlines()) if one["check"] == "servers"]
    assert [one["health"] for one in said] == ["ok", "warn"]
    assert said[1]["message"].startswith(f"{URL} does not answer: ")
