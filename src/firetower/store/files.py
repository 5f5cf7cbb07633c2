"""The files of an SQLite database: whether those that are open are still at their paths."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from firetower.core.errors import DatabaseReplaced, StoreError
from firetower.core.text import shell_word, visible

_Id: TypeAlias = tuple[int, int] | None
"""A file's device and inode; None where there is no file."""


class OpenFiles:
    """A database and its write-ahead log, as they were when it was opened.

    SQLite keeps using open files that were moved or deleted: what it writes to them no one else
    sees, and it never sees what others write at their paths.
    """

    def __init__(self, path: Path, *, held: bool = True) -> None:
        """Without `held`, no connection is kept open: then the log comes and goes with others."""
        self.path = path.absolute()
        real = path.resolve()  # SQLite keeps the log beside the file that a link leads to
        self.logs = tuple(real.with_name(real.name + end) for end in ("-wal", "-shm"))
        self._paths = [str(path) for path in (self.path, *self.logs)]
        self._ids = list(map(_id, self._paths))
        self._held = held

    def check(self) -> None:
        """Raise StoreError where the database is gone, DatabaseReplaced where files are others."""
        found = list(map(_id, self._paths))
        if found == self._ids:
            return
        if found[0] is None:
            raise gone(self.path)
        if found[0] != self._ids[0]:
            raise DatabaseReplaced(
                f"another file is in the place of the database {self.path}",
                "It is read again, and used from here on.",
            )
        for path, now, noted in zip(self._paths, found, self._ids, strict=True):
            if self._held and noted not in {None, now}:
                raise DatabaseReplaced(
                    f"{path} was deleted while the database was in use",
                    "Changes that only it held may be lost. Leave the files -wal and -shm alone.",
                )
        pairs = zip(found, self._ids, strict=True)
        self._ids = [current or noted for current, noted in pairs]

    def forget_logs(self) -> None:
        """Forget the logs: they go with the last connection, and come with the next."""
        self._ids[1:] = [None] * len(self.logs)

    def note_logs(self) -> None:
        """Note the logs that were made meanwhile: SQLite makes them when they are first needed."""
        self._ids = [noted or _id(path) for noted, path in zip(self._ids, self._paths, strict=True)]

    def written(self) -> tuple[object, ...]:
        """Return a value that differs after a write to the database or its log."""
        return tuple(map(_written, (self.path, *self.logs[:1])))

    @property
    def logs_are_ours(self) -> bool:
        """Whether no other program has begun a log: then the open one can be saved."""
        logs = zip(self._paths[1:], self._ids[1:], strict=True)
        return all(_id(log) in {None, noted} for log, noted in logs)


def gone(path: Path) -> StoreError:
    """Return the error of a database whose file is no longer there, or out of this user's reach."""
    try:
        path.stat()
    except PermissionError as error:
        return StoreError(
            f"the database {path.absolute()} cannot be reached: {error.strerror}",
            "Let this user enter its folder again, or choose another with --database.",
        )
    except OSError:
        pass
    return StoreError(
        f"the database {path.absolute()} is gone: it was moved or deleted",
        "Put it back, or stop this program and choose another with --database.",
    )


def check_kinds(path: Path) -> None:
    """Raise StoreError where a database, or a file that SQLite keeps beside it, is none.

    To open a pipe takes until somebody else opens it, and a device may have no end.
    """
    real = os.path.realpath(path)
    for one in (str(path), *(f"{real}{end}" for end in ("-wal", "-shm", "-journal"))):
        try:
            mode = os.stat(one).st_mode  # noqa: PTH116 - as in _id
        except (OSError, ValueError):
            continue
        if not stat.S_ISREG(mode):
            what = f"the database {path}" if one == str(path) else one
            raise StoreError(
                f"{what} is a folder or a device, not a file",
                "Choose a file with --database." if one == str(path) else "Move it away.",
            )


def check_has_one_name(path: Path) -> None:
    """Raise StoreError where other hard links lead to a database.

    SQLite keeps a log beside each name, and what is in one is lost under the other.
    """
    names = path.stat().st_nlink if is_there(path) else 1
    if names > 1:
        word = shell_word(str(path))
        raise StoreError(
            f"the database {path} has {names} names: changes under one are lost under another",
            f"Find them with `find / -xdev -samefile {word}`, and delete all but one.",
        )


def is_there(path: Path) -> bool:
    """Return whether a file is there, and within this user's reach."""
    return _id(str(path)) is not None


def is_missing(path: Path) -> bool:
    """Return whether there is no file; one out of this user's reach may be there."""
    try:
        path.stat()
    except OSError as error:
        return not isinstance(error, PermissionError)
    return False


def _id(path: str) -> _Id:
    try:
        found = os.stat(path)  # noqa: PTH116 - on each transaction: several times as quick
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _written(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@dataclass(frozen=True, slots=True)
class Process:
    """A process that changes or reads an SQLite database now."""

    pid: int
    name: str
    stopped: bool
    writes: bool

    def __str__(self) -> str:
        return f"{self.pid} ({visible(self.name)}){', which is stopped' if self.stopped else ''}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        wait = "Wait until it is done"
        on = f"Continue it: `fg`, or `kill -CONT {self.pid}`" if self.stopped else wait
        end = "its change is undone" if self.writes else "it changes nothing"
        return f"{on}; or end it with `kill -9 {self.pid}`: {end}."


_WRITE_LOCK = range(120, 121)
"""The byte of the log's index that SQLite locks for a change."""
_READ_LOCKS = range(123, 128)
"""Those that it locks to read one state of the database."""


def find_writer(path: Path) -> Process | None:
    """Return the process that holds a database's write lock, where the system tells (Linux)."""
    return next(_find_holders(_index(path), "WRITE", _WRITE_LOCK), None)


def find_reader(path: Path) -> Process | None:
    """Return another process that reads one state of a database, a stopped one first (Linux)."""
    found = _find_holders(_index(path), "READ", _READ_LOCKS)
    readers = [one for one in found if one.pid != os.getpid()]
    return next((one for one in readers if one.stopped), next(iter(readers), None))


def find_locker(path: Path) -> Process | None:
    """Return the process that has locked a whole file or folder (Linux)."""
    return next(_find_holders(str(path), "WRITE", range(1)), None)


def _index(path: Path) -> str:
    return f"{path.resolve()}-shm"


def _find_holders(path: str, mode: str, places: range) -> Iterator[Process]:
    locked = _id(path)
    if locked is None:
        return
    with suppress(OSError, ValueError):
        locks = Path("/proc/locks").read_text().splitlines()
        for *_, kind, pid, file, first, _last in map(str.split, locks):
            if kind == mode and file.endswith(f":{locked[1]}") and int(first) in places:
                status = Path(f"/proc/{pid}/stat").read_text()
                name, _, rest = status.partition("(")[2].rpartition(")")
                stopped = rest.split()[0] in {"T", "t"}
                yield Process(int(pid), name, stopped, writes=mode == "WRITE")
