"""Check a database without changing it."""

import shutil
import stat
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from firetower.core.endpoints import is_sealed
from firetower.core.errors import FiretowerError, SecretKeyError
from firetower.core.health import Check, Health
from firetower.core.text import and_list, byte_count
from firetower.core.times import duration
from firetower.settings import read_settings
from firetower.store import run_schema, schema
from firetower.store.changes import Reader
from firetower.store.database import Database
from firetower.store.driver_errors import READ_ONLY_HINT, RIGHTS_HINT
from firetower.store.endpoints import list_endpoints
from firetower.store.files import Process, find_reader, find_writer, is_missing
from firetower.store.keys import open_keyring
from firetower.store.location import Location
from firetower.store.migrate import SCHEMA, SchemaState, refusal, schema_state
from firetower.store.queue.crossings import PENDING
from firetower.store.redelivery import count_failed
from firetower.store.secrets import open_proxy
from firetower.store.sessions import find_holder
from firetower.store.status import DatabaseStatus, read_status

_DAY = timedelta(days=1)
_LATE = timedelta(minutes=1)
"""Workers do not keep up with what has been due for longer."""
_UNEVALUATED_LATE = timedelta(seconds=30)
"""A living worker evaluates an event within milliseconds."""
_HELD_SECONDS = 1.0
"""A transaction that has held locks for longer may be one of a program that was stopped."""
_LARGE_LOG = 64 << 20
"""Bytes of SQLite's log from which a checkpoint is overdue."""
_LEAST_ROOM = 1 << 20
"""Bytes of the disk that a database needs for more than a few changes."""
_SKEW = timedelta(seconds=5)
_secrets, _metrics = schema.secrets.c, run_schema.run_metrics.c
_READ_ONLY = text("""
SELECT pg_is_in_recovery() OR reset_val = 'on'
FROM pg_settings WHERE name = 'default_transaction_read_only'
""")
"""Asked in a session that is read-only too: `reset_val` is what others of this user begin with."""
_FORBIDDEN = text("""
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(:names) AND CASE relkind
  WHEN 'S' THEN NOT has_sequence_privilege(oid, 'USAGE')
  ELSE NOT (has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
    AND has_table_privilege(oid, 'DELETE')) END
ORDER BY relname
""")
_PENDING_METRICS = select(func.count(), func.min(_metrics.last_at)).where(PENDING)


def examine(url: str | None, now: datetime, *, read_only: bool = False) -> list[Check]:
    """Check a database, each part of it. Raises InvalidInput for its URL.

    With `read_only` it is not checked whether this user may change it.
    """
    location = Location.of(url)
    if location.path is not None and is_missing(location.path):
        hint = "Any command that changes something makes it; or choose another with --database."
        return [Check("database", f"there is no {location}", hint, Health.FAIL)]
    database = Database(location, read_only=True)
    try:
        with database.transaction() as connection:
            changes = [] if read_only else [_changes(connection, database)]
            return [*_checks(connection, location, now), *changes]
    except FiretowerError as error:
        return [Check("database", error.message, error.hint, Health.FAIL)]
    finally:
        database.close()


def _checks(connection: Connection, location: Location, now: datetime) -> Iterator[Check]:
    yield _durable(connection, location)
    if location.path is not None:
        yield _rights(location.path.resolve())
    found = schema_state(connection)
    if found is not SchemaState.CURRENT:
        error = refusal(found, location)
        yield Check("schema", error.message, error.hint, Health.FAIL)
        return
    yield Check("schema", SCHEMA)
    yield _key(connection, location)
    reader = Reader(connection, now)
    status = read_status(reader)
    yield _workers(status)
    yield _servers(status)
    oldest = status.oldest_unevaluated_at
    yield _evaluation("events", status.unevaluated, oldest, status, now)
    metrics, oldest = connection.execute(_PENDING_METRICS).one()
    if metrics:
        yield _evaluation("metrics", metrics, oldest, status, now)
    yield _backlog(status, now)
    yield _locks(connection, location.path)
    yield _endpoints(reader)
    yield _clock(connection, location, now, status.last_event_at)


def _durable(connection: Connection, location: Location) -> Check:
    """Check whether acknowledged changes survive a crash of the machine."""
    if location.is_sqlite:
        command, asked = "PRAGMA", {"journal_mode": "wal", "synchronous": "2"}
    else:
        command, asked = "SHOW", {"fsync": "on", "synchronous_commit": "on"}
    found = {name: str(connection.execute(text(f"{command} {name}")).scalar()) for name in asked}
    wrong = [f"{name} is {found[name]}" for name in asked if found[name] != asked[name]]
    if wrong:
        said = f"{location}: {and_list(wrong)}; a power cut may lose what was acknowledged"
        settings = and_list([f"{name} to {value}" for name, value in asked.items()])
        return Check("database", said, f"Set {settings}.", Health.WARN)
    return Check("database", f"{location}, durable")


def _changes(connection: Connection, database: Database) -> Check:
    """Check whether this user may change the database."""
    location = database.location
    if location.path is not None:
        if shutil.disk_usage(location.path.parent).free < _LEAST_ROOM:
            said = f"none can be written: the disk of {location} is full"
            return Check("changes", said, "Free some space there.", Health.FAIL)
        is_read_only, forbidden = not database.holds_files, list[str]()
        hint = "Make the file and its folder writable for this user."
    else:
        is_read_only = connection.execute(_READ_ONLY).scalar_one()
        tables = list(schema.all_tables().tables)
        names = [*tables, *(f"{table}_id_seq" for table in tables)]
        forbidden = list(connection.execute(_FORBIDDEN, {"names": names}).scalars())
        hint = READ_ONLY_HINT
    if is_read_only:
        said = "none can be written: the database is read-only"
        return Check("changes", said, hint, Health.FAIL)
    if forbidden:
        said = f"this user may not change {and_list(forbidden, most=3)}"
        return Check("changes", said, RIGHTS_HINT, Health.FAIL)
    return Check("changes", "this user may write them")


def _rights(path: Path) -> Check:
    """Check whether others may change an SQLite file, or put another in its place."""
    folder = path.parent.stat().st_mode
    if folder & stat.S_IWOTH and not folder & stat.S_ISVTX:
        said = f"others may replace the database: they may write the folder {path.parent}"
        return Check("rights", said, f"Run: chmod o-w {path.parent}", Health.WARN)
    log, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    for file in filter(Path.exists, (path, log, index)):
        if file.stat().st_mode & stat.S_IWOTH:
            said = f"others may write {file}: they can make it send secrets anywhere"
            return Check("rights", said, f"Run: chmod o-w {file}", Health.WARN)
    return Check("rights", "no stranger may write the database")


def _key(connection: Connection, location: Location) -> Check:
    count = connection.execute(select(func.count()).select_from(schema.secrets)).scalar_one()
    found = connection.execute(select(schema.endpoints.c.proxy)).scalars()
    proxies = [one for one in found if is_sealed(one)]
    if not count and not proxies:
        return Check("secrets", "none yet")
    try:
        keyring = open_keyring(connection, location)
        for proxy in proxies:
            open_proxy(keyring, proxy)
        for row in connection.execute(select(_secrets.ciphertext, _secrets.previous_ciphertext)):
            for ciphertext in filter(None, row):
                keyring.decrypt(ciphertext)
    except SecretKeyError as error:
        return Check("secrets", error.message, error.hint, Health.FAIL)
    if not read_settings().secret_key:
        mode = stat.S_IMODE(location.key_file.stat().st_mode)
        if mode & 0o077:
            said = f"others may read the key: {location.key_file} has mode {mode:o}"
            return Check("secrets", said, f"Run: chmod 600 {location.key_file}", Health.WARN)
    return Check("secrets", f"{count:,}, the key opens all of them")


def _workers(status: DatabaseStatus) -> Check:
    workers = status.workers
    if not workers:
        return Check("workers", "none is alive", "Start one with `firetower worker`.", Health.WARN)
    said = f"{len(workers)} alive, process {workers[0].pid} the newest"
    for worker in workers:
        if worker.problem:
            said = f"process {worker.pid} lets {status.due:,} wait: {worker.problem}"
            hint = "Correct it where the worker runs; what waits is then sent, without a restart."
            return Check("workers", said, hint, Health.FAIL)
    return Check("workers", said)


def _servers(status: DatabaseStatus) -> Check:
    """Check which servers are alive, and list the fields that they did not know."""
    if not status.servers:
        return Check("servers", "none is alive")
    said = f"{and_list([one.url for one in status.servers])}, alive"
    if status.clients:
        said = f"{said}, used by {and_list(status.clients)}"
    unknown = sum((Counter(one.unknown_fields) for one in status.servers), Counter[str]())
    if unknown:
        fields = and_list((f"{name} ({count:,})" for name, count in unknown.most_common()), most=3)
        hint = f"W&B's SDK was answered null for unknown fields: {fields}."
        return Check("servers", said, hint)
    return Check("servers", said)


def _evaluation(
    name: str, count: int, oldest: datetime | None, status: DatabaseStatus, now: datetime
) -> Check:
    """Check whether events or metrics wait for longer than a living worker leaves them."""
    if oldest is None:
        return Check(name, "none waits for its evaluation")
    age = max(now - oldest, timedelta(0))
    waiting = f"{count:,} wait for their evaluation, the oldest for"
    said = f"{waiting} {duration(timedelta(seconds=round(age.total_seconds())))}"
    if age <= _UNEVALUATED_LATE:
        return Check(name, said)
    if not status.workers:
        return Check(name, said, "Start a worker with `firetower worker`.", Health.WARN)
    hint = "The worker is stuck or held up: see its log and the other checks, then restart it."
    return Check(name, said, hint, Health.FAIL)


def _locks(connection: Connection, path: Path | None) -> Check:
    """Name the process or PostgreSQL session that others wait for, or soon will."""
    if path is not None:
        writer = _find_lasting_writer(path)
        if writer is None:
            return _log(path)
        health = Health.FAIL if writer.stopped else Health.WARN
        return Check("locks", f"held by process {writer}", writer.hint, health)
    holder = find_holder(connection.connection.dbapi_connection, _HELD_SECONDS)
    if holder is None:
        return Check("locks", "none is held for long")
    said = f"held by {holder.describe()}"
    if holder.waiting:
        said = f"{said}; {holder.waiting:,} wait"
    return Check("locks", said, holder.hint, Health.FAIL if holder.waiting else Health.WARN)


def _log(path: Path) -> Check:
    """Name who reads an old state for long: meanwhile the log can only grow."""
    log = path.with_name(f"{path.name}-wal")
    reader, size = find_reader(path), log.stat().st_size if log.exists() else 0
    if reader is None or not (reader.stopped or size > _LARGE_LOG):
        return Check("locks", "none is held for long")
    said = f"process {reader} reads; until it ends {log.name}, {byte_count(size)} now, only grows"
    return Check("locks", said, reader.hint, Health.WARN)


def _find_lasting_writer(path: Path) -> Process | None:
    """Return the process that changes an SQLite file each time one looks, for a second."""
    writer = find_writer(path)
    for _ in range(10):
        if writer is None or writer.stopped:
            break
        time.sleep(_HELD_SECONDS / 10)
        found = find_writer(path)
        if found is not None and found.pid != writer.pid:
            return None
        writer = found
    return writer


def _backlog(status: DatabaseStatus, now: datetime) -> Check:
    if status.oldest_due_at is None:
        return Check("backlog", "nothing is due")
    seconds = round((now - status.oldest_due_at).total_seconds())
    said = f"{status.due:,} due, the oldest for {duration(timedelta(seconds=seconds))}"
    if now - status.oldest_due_at > _LATE:
        hint = "Look at the endpoints with `firetower webhook list`, or start another worker."
        return Check("backlog", said, hint, Health.WARN)
    return Check("backlog", said)


def _endpoints(reader: Reader) -> Check:
    endpoints = list_endpoints(reader)
    disabled = [one.settings.name for one in endpoints if not one.enabled]
    failing = count_failed(reader, reader.now - _DAY)
    said, hints = [], []
    if disabled:
        said.append(f"disabled: {and_list(disabled, most=20)}")
        hints.append("Enable each again with `firetower webhook enable NAME` (or slack).")
    if failing:
        counts = and_list([f"{name} ({count:,})" for name, count in failing.items()], most=20)
        said.append(f"failed within a day: {counts}")
        hints.append(
            "See `firetower feed --status failed`; `firetower redeliver --failed --since 1d`."
        )
    if said:
        return Check("endpoints", "; ".join(said), " ".join(hints), Health.WARN)
    return Check("endpoints", f"{len(endpoints):,}, none disabled or failing")


def _clock(
    connection: Connection, location: Location, now: datetime, last_event_at: datetime | None
) -> Check:
    """Compare with the server's clock, and with the newest event's time."""
    if not location.is_sqlite:
        asked = text("SELECT extract(epoch FROM clock_timestamp())::float8")
        apart = abs(datetime.now(UTC).timestamp() - connection.execute(asked).scalar_one())
        if apart > _SKEW.total_seconds():
            said = f"{apart:.0f} s apart from the server's"
            hint = "Set both by NTP: due times are compared across machines."
            return Check("clock", said, hint, Health.WARN)
    if last_event_at is not None and last_event_at - now > _SKEW:
        ahead = last_event_at - now
        said = f"the newest event is {ahead.total_seconds():.0f} s in the future"
        return Check("clock", said, "Set the clocks of all machines by NTP.", Health.WARN)
    return Check("clock", "agrees with the database")
