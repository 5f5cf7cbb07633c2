"""Connections and transactions on SQLite and PostgreSQL."""

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from firetower.core.errors import DatabaseReplaced, InvalidInput, StoreError, StoreLocked
from firetower.store.driver import run
from firetower.store.driver_errors import is_undone, store_error, unanswered_commit
from firetower.store.files import (
    OpenFiles,
    check_has_one_name,
    check_kinds,
    find_writer,
    gone,
    is_there,
)
from firetower.store.location import Location
from firetower.store.sessions import (
    LOCK_NOT_AVAILABLE,
    LONG_WAIT,
    OnWait,
    connect_options,
    find_holder,
    set_isolation,
    set_limits,
)

CHANNEL = "firetower"
"""The PostgreSQL channel on which every change is announced."""
_COMMIT = f"""
SELECT pg_notify('{CHANNEL}', '{{changer}}') WHERE pg_current_xact_id_if_assigned() IS NOT NULL;
COMMIT
"""
"""In one round trip. Silent after a transaction that changed nothing: else an idle worker would
wake every other without end."""

BUSY_TIMEOUT = 10.0
"""Seconds to wait for another process's change on SQLite; `?timeout=` in the URL sets another."""
_CLOSE_TIMEOUT = 5.0
"""Seconds that new connections wait for those to files that are no longer there."""


class Database:
    """One database, and the only maker of transactions on it."""

    def __init__(
        self, location: Location, *, read_only: bool = False, on_wait: OnWait | None = None
    ) -> None:
        """Call `on_wait` with who is waited for, after a second."""
        self.location = location
        self.is_sqlite = location.is_sqlite
        """Whether it is an SQLite file."""
        self.read_only = read_only
        self._engine = _engine(location, read_only=read_only)
        self.driver_error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        """What the driver raises, on a connection of `raw`."""
        self.holds_files = isinstance(self._engine.pool, QueuePool)
        """Whether connections stay open; not to a file that this user may not write."""
        self.on_wait = on_wait
        if read_only:
            event.listen(self._engine, "connect", _forbid_changes)
        if self.is_sqlite:
            event.listen(self._engine, "connect", self._note_files)
        else:
            event.listen(self._engine, "do_connect", self._open_watched)
        self._busy_timeout = 0
        """Milliseconds that SQLite waits for others."""
        self._raw: set[Any] = set()
        self._files: OpenFiles | None = None
        self._files_lock = threading.Lock()
        self._users: list[int] = []
        """The thread of each transaction."""
        self._idle: list[Connection] = []
        """Open connections to SQLite: SQLAlchemy takes as long to give one as a change takes."""
        self.replacements: list[DatabaseReplaced] = []
        """What was noticed, each time that its files were others."""
        self.changer = uuid.uuid4().hex
        """Whose changes these are, as notifications of PostgreSQL say."""
        self.waits: set[Callable[[], None]] = set()
        """What ends a wait for changes, for each that there is."""

    def _open_watched(
        self, _dialect: object, _record: object, arguments: tuple[Any], named: dict[str, Any]
    ) -> object:
        from firetower.store.watched_connection import connect  # imports psycopg

        return connect(self.on_wait, arguments, named)

    def end_waits(self) -> None:
        """End the waits for changes of other threads at once."""
        for end in tuple(self.waits):
            end()

    @contextmanager
    def transaction(self, *, changes: bool = False) -> Iterator[Connection]:
        """Open a transaction: all of it is done, or nothing. Raises StoreError.

        One without `changes` sees one state of the database. One with `changes` holds SQLite's
        write lock from its start, so what it read stays true until its end; on PostgreSQL each of
        its statements sees what was committed before it.
        """
        if changes:
            self.refuse_read_only()
        try:
            with self._begun(changes=changes) as connection:
                yield connection
        except DBAPIError as error:
            raise self._explain(error) from error
        except PoolTimeout as error:
            raise StoreLocked(
                f"every connection of this program to {self.location} is in use",
                "Use fewer threads at once, or a connection for each.",
            ) from error

    @contextmanager
    def _begun(self, *, changes: bool) -> Iterator[Connection]:
        thread, idle = threading.get_ident(), self._idle
        self._users.append(thread)
        try:
            try:
                connection = idle.pop()
            except IndexError:
                connection = self._engine.connect()
            try:
                transaction = connection.begin()
                self._begin(connection, changes=changes)
                yield connection
                try:
                    if changes and not self.is_sqlite:
                        run(connection, _COMMIT.format(changer=self.changer))
                    transaction.commit()
                except DBAPIError as error:
                    if changes and error.connection_invalidated and not is_undone(error):
                        raise unanswered_commit(error, self.location) from error
                    raise
            except BaseException as error:
                if self.is_sqlite and isinstance(error, DBAPIError):
                    # Not used again: SQLite would keep what it has read of a damaged file.
                    connection.invalidate()
                connection.close()  # undoes it
                raise
            if self.is_sqlite and self.holds_files and idle is self._idle:
                idle.append(connection)
            else:
                connection.close()
        finally:
            self._users.remove(thread)

    def _begin(self, connection: Connection, *, changes: bool) -> None:
        # Here, not on SQLAlchemy's event: with one, each statement asks for listeners.
        if not self.is_sqlite:
            set_isolation(connection.connection.dbapi_connection, changes=changes)
        elif changes:
            self._begin_change(connection.connection.dbapi_connection)
        else:
            run(connection, "BEGIN")

    def _explain(self, error: DBAPIError) -> StoreError:
        """Return an error in words; of a lock also who holds it."""
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            with suppress(SQLAlchemyError), self._engine.connect() as connection:
                holder = find_holder(connection.connection.dbapi_connection)
                if holder is not None:
                    said = f"the database {self.location} is locked by {holder.describe()}"
                    return StoreLocked(said, holder.hint)
        found = store_error(error, self.location)
        path = self.location.path
        if path is not None and not is_there(path):
            return gone(path)
        if isinstance(found, StoreLocked) and path is not None and (writer := find_writer(path)):
            return StoreLocked(f"{found.message}: {writer}", writer.hint)
        return found

    def follow_files(self) -> int:
        """Let go of SQLite files that are no longer at their paths; return how often that was.

        Raises StoreError where there is none now.
        """
        if not self.is_sqlite:
            return 0
        with self._files_lock:
            if self._files is None:
                self._files = self._open_files()
            try:
                self._files.check()
            except DatabaseReplaced as replaced:
                self.replacements.append(replaced)
                self._let_go(self._files)
                # Now, not when it is next asked: what is opened in between may be deleted too.
                self._files = self._open_files()
            except StoreError:
                self._let_go(self._files)
                self._files.forget_logs()
                raise
            return len(self.replacements)

    def _open_files(self) -> OpenFiles:
        assert self.location.path is not None
        return OpenFiles(self.location.path, held=self.holds_files)

    def _note_files(self, connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's
        """Note the log that a new connection has made, before another program can delete it."""
        [self._busy_timeout] = connection.execute("PRAGMA busy_timeout").fetchone()
        if self._files is not None:
            with suppress(self.driver_error):  # its first use will say it
                connection.execute("PRAGMA schema_version").fetchone()
            self._files.note_logs()

    def _let_go(self, files: OpenFiles) -> None:
        """Close the open files; what their log holds is saved in them where that is safe."""
        if files.logs_are_ours:
            with suppress(self.driver_error, IndexError), closing(self._idle.pop()) as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # While one connection is open, SQLite shares its deleted log with each new one.
        own, deadline = threading.get_ident(), time.monotonic() + _CLOSE_TIMEOUT
        while set(self._users) - {own} and time.monotonic() < deadline:
            time.sleep(0.01)
        for raw in tuple(self._raw):
            raw.close()
        self.close()

    def _begin_change(self, driver: Any) -> None:  # noqa: ANN401 - the driver's connection
        # SQLite asks the less often the longer it has waited, and so may starve one of many. Here
        # the one that has waited longest asks most often.
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            begun, told = time.monotonic(), False
            while True:
                try:
                    driver.execute("BEGIN IMMEDIATE")
                except sqlite3.DatabaseError as error:
                    waited = time.monotonic() - begun
                    is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                    if not is_busy or waited * 1_000 >= self._busy_timeout:
                        raise DBAPIError(None, None, error) from error
                    if waited >= LONG_WAIT and not told:
                        told = True
                        if self.on_wait is not None:
                            path = self.location.path
                            writer = path and find_writer(path)
                            self.on_wait(f"process {writer}" if writer else "another program")
                    time.sleep(max(0.0005, 0.01 * (1 - waited)) if waited > 0.005 else 0.001)
                else:
                    return
        finally:
            driver.execute(f"PRAGMA busy_timeout = {self._busy_timeout}")

    @contextmanager
    def raw(self) -> Iterator[Any]:
        """Open a connection of the driver's own, in autocommit. Raises StoreError."""
        try:
            self._users.append(thread := threading.get_ident())
            try:  # who lets go of the files waits until it is among the open ones
                # From a new pool: the engine's would open another connection in its place.
                fairy = self._engine.pool.recreate().connect()
                fairy.detach()
                connection: Any = fairy.dbapi_connection
                self._raw.add(connection)
            finally:
                self._users.remove(thread)
            try:
                if not self.is_sqlite:
                    connection.rollback()
                    connection.autocommit = True
                yield connection
            finally:
                self._raw.discard(connection)
                connection.close()
        except DBAPIError as error:
            raise self._explain(error) from error
        except self.driver_error as error:
            raise self.explain(error) from error

    def explain(self, error: Exception) -> StoreError:
        """Return an error of the driver in words that say what to do."""
        return self._explain(DBAPIError(None, None, error))

    def vacuum(self) -> None:
        """Return an SQLite file's free space to the disk; changes wait meanwhile.

        Raises StoreError, also on PostgreSQL.
        """
        if not self.is_sqlite:
            raise StoreError(
                "PostgreSQL frees space automatically", "Do without it; autovacuum does it."
            )
        self.refuse_read_only()
        with self.raw() as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def refuse_read_only(self) -> None:
        """Raise StoreError where the database was opened read-only."""
        if self.read_only:
            raise StoreError(
                "the database was opened read-only",
                "Leave out --read-only or read_only=True, and unset FIRETOWER_READ_ONLY.",
            )

    def close(self) -> None:
        """Close every connection."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        self._engine.dispose()


def _engine(location: Location, *, read_only: bool) -> Engine:
    if location.is_sqlite:
        timeout = {} if "timeout" in location.url.query else {"timeout": BUSY_TIMEOUT}
        unwritable = read_only and "uri" not in location.url.query and not _is_writable(location)
        pool = {"poolclass": NullPool} if unwritable else {}
        engine = create_engine(location.url, connect_args=timeout, **pool)
        if unwritable:
            event.listen(engine, "do_connect", partial(_open_unwritable, location))
        elif "uri" not in location.url.query:
            event.listen(engine, "do_connect", _open_existing)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    try:
        engine = create_engine(
            location.url,
            connect_args=connect_options(location.url),
            pool_size=4,
            max_overflow=4,
            pool_pre_ping=True,
        )
    except ArgumentError as error:
        raise InvalidInput(
            f"the database {location} cannot be used: {location.hide(str(error))}",
            "Correct its host and port.",
        ) from None
    except (ModuleNotFoundError, NoSuchModuleError):
        raise StoreError(
            "PostgreSQL needs a driver that is not installed",
            "Run: pip install 'firetower[postgres]'",
        ) from None
    event.listen(engine, "connect", set_limits)
    return engine


def _is_writable(location: Location) -> bool:
    path = location.path
    assert path is not None
    return os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)


def _open_existing(
    _dialect: object, _record: object, arguments: list[str], named: dict[str, object]
) -> None:
    """Open a file that is there: SQLite would make an empty one where it was moved away."""
    check_kinds(Path(arguments[0]))
    check_has_one_name(Path(arguments[0]))
    arguments[:] = [f"{Path(arguments[0]).as_uri()}?mode=rw"]
    named["uri"] = True


def _open_unwritable(
    location: Location,
    _dialect: object,
    _record: object,
    arguments: list[str],
    named: dict[str, object],
) -> None:
    """Open a file without making its log, or the log's index, beside it.

    Decided for each connection: the log is there only while someone else has the database open.
    """
    assert location.path is not None
    check_kinds(location.path)
    if not is_there(location.path):  # as where links lead in a circle
        raise gone(location.path)
    path = location.path.resolve()
    log, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    how = "readonly_shm=1" if is_there(index) else "immutable=1"
    if not is_there(index) and is_there(log) and log.stat().st_size:
        raise StoreError(
            f"the newest changes of {location} are in {log.name}, which needs a writable folder",
            "Open it once as its owner, or copy both files to a folder of your own.",
        )
    arguments[:] = [f"{path.as_uri()}?mode=ro&{how}"]
    named["uri"] = True


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -4000")
    connection.execute("PRAGMA temp_store = MEMORY")


def _forbid_changes(connection: DBAPIConnection, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA query_only = ON")
        return
    # Said with each BEGIN: a pooler would give a session that was told once to others.
    cast("Any", connection).read_only = True


def create_sqlite_file(location: Location) -> None:
    """Create an SQLite file if there is none, for its owner only. Raises StoreError."""
    path = location.path
    assert path is not None
    if is_there(path):
        check_kinds(path)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Exclusive, so that no dangling link is followed: anyone may have made it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except (OSError, ValueError) as error:
        if is_there(path):  # another process was first
            return
        if isinstance(error, FileExistsError) and path.is_symlink():
            raise StoreError(
                f"the database {location} is a link to a file that is not there",
                "Remove the link, or name the file itself with --database.",
            ) from None
        raise StoreError(
            f"the database {location} cannot be made: {getattr(error, 'strerror', error)}",
            "Choose another place with --database, or make the folder writable.",
        ) from None
