"""PostgreSQL's sessions: limits on how long ours may hold up others, and who holds up ours."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import URL

from firetower.core.errors import StoreError
from firetower.core.text import visible

LOCK_NOT_AVAILABLE = "55P03"
"""The server's code for a lock that was not free in time."""
TRANSACTION_TIMEOUTS = {"25P03", "25P04"}
"""The server's codes for a transaction that it ended because it paused, or took too long."""
IDLE_LIMIT = "5s"
"""How long a session may pause in a transaction: its program was stopped, or its host is gone."""
LOCK_LIMIT = "10s"
"""How long a statement waits for a lock; longer than IDLE_LIMIT, so that most get it then."""
_LIMITS = {
    "idle_in_transaction_session_timeout": IDLE_LIMIT,
    "lock_timeout": LOCK_LIMIT,
    "idle_session_timeout": "0",
    "client_connection_check_interval": "5s",
    "tcp_user_timeout": "30s",
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "4",
}
# What the URL, the role or the database asks for is somebody's choice; the server's file is not.
_LIMIT = """
SELECT set_config(name, limits.value, false)
FROM pg_settings JOIN json_each_text(%s) AS limits ON name = limits.key
WHERE source NOT IN ('client', 'database', 'user', 'database user', 'session')
  AND (name <> 'client_connection_check_interval' OR version() LIKE '%%linux%%')
UNION ALL SELECT set_config('extra_float_digits', '1', false)
"""
_CONNECTING = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
"""What this side does about a server that is gone; libpq's names, seconds and milliseconds."""


OnWait = Callable[[str], object]
"""Gets who is waited for."""
LONG_WAIT = 1.0
"""Seconds after which a wait is reported."""


def connect_options(url: URL) -> dict[str, Any]:
    """Return the options of libpq that the URL does not set."""
    name = f"firetower {os.getpid()}@{socket.gethostname()}"
    options = {key: value for key, value in _CONNECTING.items() if key not in url.query}
    if "PGCONNECT_TIMEOUT" in os.environ:
        options.pop("connect_timeout", None)
    return {"fallback_application_name": name, "client_encoding": "utf8", **options}


def set_limits(connection: Any, _: object) -> None:  # noqa: ANN401 - a driver's connection
    """Bound what a new session waits for, and how long others wait for it.

    Raises StoreError for a database that cannot keep every text.
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"the database {connection.info.dbname} has the encoding {encoding}",
            "Firetower needs UTF8: CREATE DATABASE tower ENCODING 'UTF8' TEMPLATE template0;",
        )
    connection.execute(_LIMIT, [json.dumps(_LIMITS)])
    connection.commit()


def set_isolation(connection: Any, *, changes: bool) -> None:  # noqa: ANN401 - a driver's
    """Set the isolation level of the next transaction; the role may have another.

    A change reads what was committed while it waited for a lock. What only reads sees one state: a
    list reads its rows first, then what they name, which may be deleted in between.
    """
    connection.isolation_level = 2 if changes else 3  # psycopg's READ_COMMITTED, REPEATABLE_READ


STATEMENT_TIMEOUT = 60.0
"""Seconds for which a statement may be at work; longer timeouts of the URL or the role win."""
MIGRATION_TIMEOUT = 3_600.0
"""The same while the schema is migrated."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A session with an open transaction that holds locks."""

    pid: int
    program: str
    user: str
    address: str
    state: str
    since: float | None
    """When its transaction began, in Unix time; None for another role, not told by the server."""
    waiting: int
    """Sessions of this database that wait for a lock."""

    def describe(self) -> str:
        """Return who it is and since when."""
        since = ""
        if self.since:
            since = f" since {datetime.fromtimestamp(self.since).astimezone():%Y-%m-%d %H:%M:%S}"
        who = visible(f"{self.program or 'no name'}, {self.user} at {self.address}")
        return f"server process {self.pid} ({who}), {self.state or 'in a transaction'}{since}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return f"Let it end, or end it in psql: SELECT pg_terminate_backend({self.pid});"


# Times as numbers: psycopg reads the texts of one DateStyle alone.
# Rows that are locked or written give their transaction a number, and so a lock on that.
_HOLDER = """
SELECT pid, application_name, usename,
  coalesce(client_addr::text || ':' || client_port, 'the server'), state,
  extract(epoch FROM xact_start)::float8,
  (SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN
    (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))
FROM pg_stat_activity AS session
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND (xact_start IS NULL OR xact_start <= clock_timestamp() - make_interval(secs => %(seconds)s))
  AND NOT EXISTS (SELECT FROM pg_locks WHERE pid = session.pid AND NOT granted)
  AND EXISTS (
    SELECT FROM pg_locks WHERE pid = session.pid AND (
      locktype IN ('advisory', 'transactionid')
      OR mode IN ('ShareLock', 'ShareRowExclusiveLock', 'AccessExclusiveLock')
      OR (locktype = 'relation' AND mode = 'ExclusiveLock')))
ORDER BY xact_start LIMIT 1
"""


def find_holder(connection: Any, seconds: float = 0) -> Holder | None:  # noqa: ANN401 - a driver's
    """Return the session that has held locks longest, and at least so long."""
    row = connection.execute(_HOLDER, {"seconds": seconds}).fetchone()
    return None if row is None else Holder(*row)
