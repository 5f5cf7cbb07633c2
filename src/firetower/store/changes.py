"""Transactions: a Reader reads one state of the database, a Change also writes and records."""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from math import inf
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select, text, update
from sqlalchemy.exc import OperationalError

from firetower.core.events import Event, EventType
from firetower.core.json import dump
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.runs import RunSnapshot
from firetower.store import catalog_schema as schema
from firetower.store.columns import instant_number
from firetower.store.driver import Prepared, run, run_with_ids
from firetower.store.sessions import LOCK_NOT_AVAILABLE

_COLLECTIONS = """
SELECT collections.id, collections.name, type, kind, entity, containers.name
FROM collections JOIN containers ON container_id = containers.id
WHERE collections.id IN ({ids})
"""
_EVENT_ORDER = 0x66697266
"""A PostgreSQL advisory lock: changes share it, saving a revision holds it alone."""
_TRY_MS = 200
_LOCK_LIMIT_MS = text("SELECT setting::integer FROM pg_settings WHERE name = 'lock_timeout'")


@dataclass(frozen=True, slots=True)
class CachedCollection:
    """A collection's name and type, which never change."""

    reference: CollectionReference
    type: str


@lru_cache(maxsize=1 << 16)
def _collection(
    name: str, type_: str, kind: ContainerKind, entity: str, container: str
) -> CachedCollection:
    # A batch of events may name as many: checking their names would cost as much as the rest.
    owner = ContainerReference(kind=kind, entity=entity, name=container)
    return CachedCollection(CollectionReference(container=owner, name=name), type_)


@dataclass(slots=True)
class Reader:
    """A transaction that sees one state of the database, and the time it began."""

    connection: Connection
    now: datetime
    collections: dict[int, CachedCollection] = field(default_factory=dict, kw_only=True)
    """Those read so far, by row number: after a backup is restored these are others'."""

    def learn(self, collection_ids: Iterable[int]) -> None:
        """Read the collections that were not read yet."""
        missing = set(collection_ids) - self.collections.keys()
        if missing:
            for id_, *values in run_with_ids(self.connection, _COLLECTIONS, list(missing)):
                self.collections[id_] = _collection(*values)

    def collection(self, collection_id: int) -> CachedCollection:
        """Return a collection by its row number."""
        self.learn((collection_id,))
        return self.collections[collection_id]


@dataclass(slots=True)
class Change(Reader):
    """A transaction that changes the database, and who makes it."""

    author: str
    random_hex: Callable[[int], str] = secrets.token_hex
    """Returns so many random bytes in hexadecimal, for ids."""
    cause: str | None = None
    """The webhook-id of the execution that made this change."""
    _ordered: bool = field(default=False, init=False)

    def record(
        self,
        type_: EventType,
        collection_id: int,
        *,
        version: tuple[int, int] | None = None,
        alias: str | None = None,
        tag: str | None = None,
        previous_index: int | None = None,
    ) -> None:
        """Write the event of a change of the catalog.

        `version` is the version's row and its index in the collection.
        """
        version_id, version_index = version or (None, None)
        self._record(
            type_,
            author=self.author,
            collection_id=collection_id,
            version_id=version_id,
            version_index=version_index,
            alias=alias,
            tag=tag,
            previous_index=previous_index,
        )

    def record_run(
        self, type_: EventType, run_id: int, container_id: int, run: RunSnapshot
    ) -> None:
        """Write the event of a run, given with its row's number and its project's."""
        self._record(
            type_,
            author=run.user,
            run_id=run_id,
            container_id=container_id,
            run_json=run.as_json(),
        )

    def record_crossing(self, run_id: int, container_id: int, event: Event) -> int:
        """Write the event of a run's metric, evaluated already; return its id."""
        assert event.run is not None
        assert event.metric is not None
        return self._record(
            event.type,
            recorded_at=event.recorded_at,
            author=event.author,
            run_id=run_id,
            container_id=container_id,
            run_json=event.run.as_json(),
            metric_json=dump(event.metric.as_data()),
            cause=event.cause,
            evaluated=True,
        )

    def _record(self, type_: EventType, **values: str | float | datetime | None) -> int:
        if not self._ordered:
            lock_event_order(self.connection, alone=False)
            self._ordered = True
        row = {"recorded_at": self.now, "cause": self.cause, "evaluated": False, **values}
        return int(self.insert(schema.events, type=type_.value, **row)[0])

    def insert(self, table: Table, **values: Any) -> tuple[Any, ...]:
        """Insert a row; return its key."""
        [key] = self._insert(table, values)
        return key

    def insert_if_new(self, table: Table, **values: Any) -> tuple[Any, ...] | None:
        """Insert a row unless there is one with its key; return the new row's key, or None."""
        found = self._insert(table, values, "ON CONFLICT DO NOTHING")
        return found[0] if found else None

    def _insert(
        self, table: Table, values: dict[str, Any], conflict: str = ""
    ) -> list[tuple[Any, ...]]:
        row = [instant_number(v) if isinstance(v, datetime) else v for v in values.values()]
        return run(self.connection, _insertion(table, tuple(values), conflict), tuple(row))


@lru_cache(256)
def _insertion(table: Table, columns: tuple[str, ...], conflict: str) -> str:
    key = ", ".join(column.name for column in table.primary_key)
    row = f"({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table.name} {row} {conflict} RETURNING {key}"


def is_postgresql(connection: Connection) -> bool:
    """Return whether the database is PostgreSQL."""
    return connection.dialect.name == "postgresql"


def version_by_others(connection: Connection) -> object:
    """Return a value that differs once another connection has changed an SQLite database.

    None on PostgreSQL, which does not tell.
    """
    if is_postgresql(connection):
        return None
    [(version,)] = run(connection, "PRAGMA data_version")
    return id(connection.connection.dbapi_connection), version


def lock_event_order(connection: Connection, *, alone: bool) -> None:
    """Keep events' numbers in the order of their commits, until the transaction's end.

    In PostgreSQL numbers commit out of order: to say "after the newest event" a transaction waits,
    alone, for every change that already has a number. SQLite has one change at a time anyway.
    """
    if not is_postgresql(connection):
        return
    if not alone:
        connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({_EVENT_ORDER})"))
        return
    if connection.execute(text(f"SELECT pg_try_advisory_xact_lock({_EVENT_ORDER})")).scalar_one():
        return
    # Who waits for the lock alone holds up all who ask for it later. So it waits shortly, again
    # and again: long enough for changes at work to end; it fails only beside one that hangs.
    limit = connection.execute(_LOCK_LIMIT_MS).scalar_one()
    deadline = time.monotonic() + (limit or inf) / 1_000
    while True:
        try:
            with connection.begin_nested():
                connection.execute(text(f"SET LOCAL lock_timeout = {_TRY_MS}"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_EVENT_ORDER})"))
                connection.execute(text(f"SET LOCAL lock_timeout = {limit}"))
        except OperationalError as error:
            if (
                time.monotonic() > deadline
                or getattr(error.orig, "sqlstate", "") != LOCK_NOT_AVAILABLE
            ):
                raise
            time.sleep(_TRY_MS / 1_000)
        else:
            return


ENDPOINTS_VERSION_KEY = "endpoints_version"
"""The key of its row in the state table, inserted when the table is made."""
_state = schema.state.c
ENDPOINTS_VERSION = (
    select(_state.value).where(_state.key == ENDPOINTS_VERSION_KEY).scalar_subquery()
)
"""A text that differs after any change of an endpoint or secret, as part of a query."""


def bump_endpoints_version(change: Change) -> None:
    """Tell workers to read endpoints and secrets again, once this transaction is committed."""
    # Not a number that is counted up: it would be given again after a backup is restored.
    query = update(schema.state).where(_state.key == ENDPOINTS_VERSION_KEY)
    change.connection.execute(query.values(value=secrets.token_hex(8)))


@cache
def _newest_row(table: Table, token: Column[Any]) -> Prepared:
    return Prepared(select(table.c.id, token).order_by(table.c.id.desc()).limit(1))


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest row of a table: its id, and a value that tells it from another of that id."""

    id: int
    token: object

    @classmethod
    def read(cls, connection: Connection, table: Table, token: Column[Any]) -> "Newest":
        """Read it; its id is 0 where the table is empty."""
        return cls(*(_newest_row(table, token).first(connection) or (0, None)))

    def is_lost(self, connection: Connection, table: Table, token: Column[Any]) -> bool:
        """Return whether the table went back to before that row, or is another database's."""
        newest = select(func.max(table.c.id)).scalar_subquery()
        here = select(token).where(table.c.id == self.id).scalar_subquery()
        id_now, token_now = connection.execute(select(newest, here)).one()
        return (id_now or 0) < self.id or (token_now is not None and token_now != self.token)
