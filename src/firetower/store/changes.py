"""One change of the catalog: who makes it, when, and the events it leaves."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Table, text

from firetower.core.events import EventType
from firetower.store import schema

_RECORD = schema.events.insert()
_EVENT_ORDER = 0x66697266
"""A PostgreSQL advisory lock: held shared by changes, alone by who draws a line between events."""


@dataclass(slots=True)
class Change:
    """A transaction with its author and its time."""

    connection: Connection
    author: str
    now: datetime
    random_hex: Callable[[int], str] = secrets.token_hex
    """Returns so many random bytes in hexadecimal, for ids."""
    cause: str | None = None
    """The webhook-id of the execution for which it is made."""
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
        """Write the event of what this transaction does.

        `version` is the version's row and its index in the collection.
        """
        if not self._ordered:
            lock_event_order(self.connection, alone=False)
            self._ordered = True
        version_id, version_index = version or (None, None)
        self.connection.execute(
            _RECORD,
            {
                "type": type_.value,
                "recorded_at": self.now,
                "author": self.author,
                "collection_id": collection_id,
                "version_id": version_id,
                "version_index": version_index,
                "alias": alias,
                "tag": tag,
                "previous_index": previous_index,
                "evaluated": False,
                "cause": self.cause,
            },
        )

    def insert_if_new(self, table: Table, **values: object) -> bool:
        """Insert a row unless one with its key is there; return whether it was new."""
        if is_postgresql(self.connection):
            from sqlalchemy.dialects.postgresql import insert
        else:
            from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
        statement = insert(table).values(**values).on_conflict_do_nothing()
        inserted = self.connection.execute(statement.returning(*table.primary_key))
        return inserted.first() is not None


def is_postgresql(connection: Connection) -> bool:
    """Return whether the database is PostgreSQL."""
    return connection.dialect.name == "postgresql"


def lock_event_order(connection: Connection, *, alone: bool) -> None:
    """Keep events' numbers in step with what is committed, until the transaction's end.

    In PostgreSQL numbers commit out of order. Whoever says "after the newest event" waits, alone,
    for every change that already has a number. SQLite lets one change in at a time anyway.
    """
    if is_postgresql(connection):
        shared = "" if alone else "_shared"
        connection.execute(text(f"SELECT pg_advisory_xact_lock{shared}({_EVENT_ORDER})"))
