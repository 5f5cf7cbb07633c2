"""The store: one database, opened."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from firetower.core.matching import check_cause
from firetower.core.references import check_name
from firetower.store.access import default_read_only
from firetower.store.automation_lists import AutomationLists
from firetower.store.changes import Change, Reader
from firetower.store.collection_cache import CollectionCache
from firetower.store.database import Database
from firetower.store.keys import Keyring, open_keyring
from firetower.store.location import Location
from firetower.store.migrate import check_schema

USER_VARIABLE = "FIRETOWER_USER"
CAUSE_VARIABLE = "FIRETOWER_CAUSE"


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def default_cause() -> str | None:
    """Return what changes are made for: FIRETOWER_CAUSE, a webhook-id. Raises InvalidInput."""
    cause = os.environ.get(CAUSE_VARIABLE)
    return check_cause(cause) if cause else None


def default_author() -> str:
    """Return who makes changes, unless told otherwise: FIRETOWER_USER, or the login name."""
    name = os.environ.get(USER_VARIABLE)
    if name:
        return check_name(name, "user name")
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


class Store:
    """One database, with the author and the clock of the changes made through it."""

    def __init__(
        self,
        database: Database,
        *,
        author: str,
        cause: str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.database = database
        self.author = author
        self.cause = cause
        self.clock = clock
        self.collections = CollectionCache()
        self.automation_lists = AutomationLists()

    @classmethod
    def open(
        cls,
        url: str | None = None,
        *,
        author: str | None = None,
        cause: str | None = None,
        read_only: bool = False,
        create: bool = True,
        clock: Callable[[], datetime] = utc_now,
    ) -> "Store":
        """Open a database; with `create` a missing SQLite file and its folder are made.

        `cause` is the webhook-id of the execution for which changes are made; FIRETOWER_CAUSE
        unless given. With `read_only`, or FIRETOWER_READ_ONLY set, every change is refused. Raises
        StoreError when it cannot be used, InvalidInput for a URL that cannot be read.
        """
        made_for = default_cause() if cause is None else check_cause(cause)
        database = Database(Location.of(url), read_only=read_only or default_read_only())
        try:
            check_schema(database, create=create)
        except BaseException:
            database.close()
            raise
        return cls(
            database,
            author=default_author() if author is None else check_name(author, "user name"),
            cause=made_for,
            clock=clock,
        )

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a transaction that sees one state of the database. Raises StoreError."""
        with self.database.transaction() as connection:
            yield Reader(connection, self.clock(), self.collections)

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """Open a transaction that changes it, whole or not at all. Raises StoreError."""
        with self.database.transaction(changes=True) as connection:
            now = self.clock()
            yield Change(connection, now, self.collections, self.author, cause=self.cause)

    def keyring(self, reader: Reader, *, create: bool = False) -> Keyring:
        """Return the keys that open the secrets. Raises SecretKeyError."""
        return open_keyring(reader.connection, self.database.location, create=create)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()
