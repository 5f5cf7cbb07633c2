"""Running servers (`firetower serve`), their heartbeats, and who uses them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update

from firetower.core.json import dump, parse_object
from firetower.store import schema
from firetower.store.changes import Change
from firetower.store.workers import FORGET_AFTER, HEARTBEAT_TIMEOUT, is_gone, this_host

HEARTBEAT_INTERVAL = timedelta(seconds=5)
"""Time between two heartbeats of a server."""
_RECENTLY = timedelta(minutes=5)
"""Who used a server so lately is shown as using it."""
_MOST_FIELDS = 20
"""Unknown fields that are kept, those asked for most often."""
_servers, _tokens = schema.servers.c, schema.tokens.c
_ALL = select(schema.servers).order_by(_servers.started_at.desc())
_CLIENTS = select(_tokens.user_name).where(_tokens.last_used_at > bindparam("since")).distinct()


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """One running server."""

    id: str
    host: str
    pid: int
    url: str
    started_at: datetime
    heartbeat_at: datetime
    unknown_fields: Mapping[str, int]
    """Unknown fields that clients asked for, with how often."""

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        return self.host == this_host()


def record_server(change: Change, server_id: str, url: str, unknown: Mapping[str, int]) -> None:
    """Record a server's heartbeat; register one that is new, and forget those that are dead."""
    often = sorted(unknown.items(), key=lambda one: -one[1])[:_MOST_FIELDS]
    values = {"heartbeat_at": change.now, "unknown_fields": dump(dict(often))}
    connection = change.connection
    updated = connection.execute(
        update(schema.servers).where(_servers.id == server_id).values(values)
    )
    if updated.rowcount:
        return
    for row in connection.execute(_ALL).all():
        if change.now - row.heartbeat_at > FORGET_AFTER or is_gone(row.host, row.pid):
            remove_server(connection, row.id)
    here = {"id": server_id, "host": this_host(), "pid": os.getpid(), "started_at": change.now}
    connection.execute(schema.servers.insert(), here | values | {"url": url})


def remove_server(connection: Connection, server_id: str) -> None:
    """Remove a server that has ended."""
    connection.execute(schema.servers.delete().where(_servers.id == server_id))


def list_servers(connection: Connection, now: datetime) -> list[ServerInfo]:
    """Return the servers that are alive, the newest first."""
    return [
        ServerInfo(**{**row, "unknown_fields": parse_object(row["unknown_fields"])})
        for row in connection.execute(_ALL).mappings()
        if abs(now - row["heartbeat_at"]) <= HEARTBEAT_TIMEOUT
        and not is_gone(row["host"], row["pid"])
    ]


def list_clients(connection: Connection, now: datetime) -> list[str]:
    """Return the users who changed something through a server lately, by name."""
    return sorted(connection.execute(_CLIENTS, {"since": now - _RECENTLY}).scalars())
