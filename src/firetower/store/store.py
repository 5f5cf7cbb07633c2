"""The store: one database, opened."""

import getpass
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from types import FunctionType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from firetower.core.arguments import checked
from firetower.core.causes import check_cause
from firetower.core.references import check_name
from firetower.settings import read_settings
from firetower.store.changes import Change, Reader
from firetower.store.database import Database
from firetower.store.location import Location
from firetower.store.migrate import check_schema, refuse_other_schema
from firetower.store.sessions import OnWait

if TYPE_CHECKING:
    from firetower.store.keys import Keyring

P = ParamSpec("P")
T = TypeVar("T")
SCHEMA_INTERVAL = 2.0
"""Seconds after which a transaction first looks whether another program has migrated the database,
or emptied it to restore a backup."""


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def login_name() -> str:
    """Return the name of the user who runs the program."""
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
        self._replaced, self._checked_at = database.follow_files(), time.monotonic()

    @classmethod
    def open(
        cls,
        url: str | None = None,
        *,
        author: str | None = None,
        cause: str | None = None,
        read_only: bool = False,
        create: bool = True,
        on_wait: OnWait | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> "Store":
        """Open a database; with `create` a missing SQLite file and its folder are made.

        `author`, `cause`, `read_only` and `on_wait` are as for `firetower.connect`. Raises
        StoreError when it cannot be used, InvalidInput for a URL that cannot be read.
        """
        settings = read_settings()
        author = settings.user if author is None else author
        cause = settings.cause if cause is None else cause
        checked_author = login_name() if author is None else check_name(author, "user name")
        if cause is not None:
            check_cause(cause)
        read_only = read_only or settings.read_only
        database = Database(Location.of(url), read_only=read_only, on_wait=on_wait)
        try:
            check_schema(database, create=create)
        except BaseException:
            database.close()
            raise
        return cls(database, author=checked_author, cause=cause, clock=clock)

    def reopened(self) -> "Store":
        """Return the same database with new connections."""
        now = self.database
        database = Database(now.location, read_only=now.read_only, on_wait=now.on_wait)
        return Store(database, author=self.author, cause=self.cause, clock=self.clock)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a transaction that sees one state of the database. Raises StoreError."""
        with self._transaction(changes=False) as connection:
            yield Reader(connection, self.clock())

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """Open a transaction that changes it, whole or not at all. Raises StoreError."""
        with self._transaction(changes=True) as connection:
            yield Change(connection, self.clock(), self.author, cause=self.cause)

    @contextmanager
    def _transaction(self, *, changes: bool) -> Iterator[Connection]:
        replaced, now = self.database.follow_files(), time.monotonic()
        with self.database.transaction(changes=changes) as connection:
            if replaced != self._replaced or now - self._checked_at >= SCHEMA_INTERVAL:
                refuse_other_schema(connection, self.database.location)
                self._replaced, self._checked_at = replaced, now
            yield connection

    def keyring(self, reader: Reader, *, create: bool = False) -> "Keyring":
        """Return the keys that open the secrets. Raises SecretKeyError."""
        from firetower.store.keys import open_keyring  # imports cryptography

        return open_keyring(reader.connection, self.database.location, create=create)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()


class Transactions:
    """Calls functions of the store, each in a transaction of its own.

    Its public methods refuse arguments of another type than they declare.
    """

    def __init_subclass__(cls) -> None:
        for name, method in list(vars(cls).items()):
            if isinstance(method, FunctionType) and not name.startswith("_"):
                method.__module__, method.__qualname__ = cls.__module__, f"{cls.__name__}.{name}"
                setattr(cls, name, checked(method, is_method=True))

    def __init__(self, store: Store) -> None:
        self._store = store

    def _read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._store.reading() as reader:
            return function(reader, *args, **kwargs)

    def _change(
        self, function: Callable[Concatenate[Change, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._store.changing() as change:
            return function(change, *args, **kwargs)


def reads(
    function: Callable[Concatenate[Reader, P], T],
) -> Callable[Concatenate[Transactions, P], T]:
    """Return the method that calls a function of the store in a transaction that reads."""

    @wraps(function)
    def method(self: Transactions, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._read(function, *args, **kwargs)

    return method


def changes(
    function: Callable[Concatenate[Change, P], T],
) -> Callable[Concatenate[Transactions, P], T]:
    """Return the method that calls a function of the store in a transaction that changes."""

    @wraps(function)
    def method(self: Transactions, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._change(function, *args, **kwargs)

    return method
