"""Running servers: their heartbeats, who uses them, and where that is shown."""

from dataclasses import replace
from datetime import timedelta

from firetower.store.doctor import examine
from firetower.store.store import Store
from firetower.store.tokens import find_token, record_use
from firetower.store.workers import HEARTBEAT_TIMEOUT, list_servers, record_server, remove_server
from firetower.tower import Tower
from firetower.tui.widgets.bar import status_text
from store.bench import START

URL = "http://127.0.0.1:8090"


def test_server_is_shown_while_its_heart_beats(store: Store, database_url: str) -> None:
    store.clock = lambda: START
    tower = Tower(store)
    assert tower.status().servers == ()
    assert said(database_url) == ("none is alive", "")
    _, key = tower.tokens.create("ben")
    with store.changing() as change:
        record_use(change, find_token(change, key))
        record_server(change, "a", URL, {"User.age": 2, "User.hat": 1, "a.b": 9, "c.d": 8})
    status = tower.status()
    assert [(one.url, one.unknown_fields["a.b"]) for one in status.servers] == [(URL, 9)]
    assert status.clients == ("ben",)
    used, asked = said(database_url)
    assert used == f"{URL}, alive, used by ben"
    assert asked.endswith(": a.b (9), c.d (8), User.age (2) and 1 more.")
    shown = status_text("/srv/tower.db", status, "no worker", START, 200).plain
    assert shown.endswith("serves 127.0.0.1:8090 ben")
    later = START + timedelta(minutes=6)
    with store.changing() as change:
        record_server(replace(change, now=later), "a", URL, {})
        [server] = list_servers(change)
        assert server.started_at == START
        assert server.is_alive(later)
        assert not server.is_alive(later + HEARTBEAT_TIMEOUT * 2)
        store.clock = lambda: later
    assert tower.status().clients == ()
    with store.changing() as change:
        remove_server(change, "a")
    assert tower.status().servers == ()


def said(url: str) -> tuple[str, str]:
    [check] = [check for check in examine(url, START) if check.name == "servers"]
    return check.said, check.hint


def test_server_whose_process_is_gone_is_not_alive(store: Store) -> None:
    with store.changing() as change:
        record_server(change, "a", URL, {})
        gone = "UPDATE servers SET pid = 999999999"
        change.connection.exec_driver_sql(gone)
        [server] = list_servers(change)
        assert not server.is_alive(change.now)
        record_server(change, "b", URL, {})  # makes room for itself
        found = change.connection.exec_driver_sql("SELECT id FROM servers").scalars().all()
    assert found == ["b"]
