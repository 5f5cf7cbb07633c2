"""Errors of the databases' drivers, in words that say what to do."""

from sqlalchemy.exc import DBAPIError

from firetower.core.errors import StoreError, StoreLocked
from firetower.core.text import shortened, visible
from firetower.store.location import Location
from firetower.store.sessions import TRANSACTION_TIMEOUTS

READ_ONLY_HINT = "Use the server that takes changes, or turn off default_transaction_read_only."
RIGHTS_HINT = "Let its owner GRANT the rights, or use another user; --read-only needs SELECT alone."
_MEANINGS: tuple[tuple[tuple[str, ...], type[StoreError], str, str], ...] = (
    (
        ("idle-in-transaction timeout",),
        StoreError,
        "this program was stopped in the middle of a change; {location} undid it to let others on",
        "Do it again.",
    ),
    (
        ("database is locked", "database table is locked", "lock timeout"),
        StoreLocked,
        "the database {location} is locked by another process",
        "Try again when it is done ({said}).",
    ),
    (
        ("readonly database",),
        StoreError,
        "the database {location} is read-only",
        "Make the file and its folder writable for this user, or choose another with --database.",
    ),
    (
        ("read-only transaction",),
        StoreError,
        "the database {location} is read-only",
        READ_ONLY_HINT,
    ),
    (
        ("permission denied for", "must be owner of"),
        StoreError,
        "this user may not do that in the database {location}: {said}",
        RIGHTS_HINT,
    ),
    (
        ("file is not a database",),
        StoreError,
        "{location} is not a Firetower database",
        "Choose another file with --database.",
    ),
    (
        (
            *("unable to open database", "connection failed", "connection is bad"),
            *("failed to resolve", "invalid connection option"),
            *("server closed", "terminating connection", "permission denied", "does not answer"),
        ),
        StoreError,
        "the database {location} cannot be reached: {said}",
        "Check the URL, that the server runs, and the user's rights.",
    ),
    (
        ("SQLITE_IOERR_SHORT_READ",),
        StoreError,
        "the write-ahead log of the database {location} was deleted while it was in use",
        "Try again in 5 seconds; then stop every Firetower that uses it, and delete its file -shm.",
    ),
    (
        ("disk image is malformed",),
        StoreError,
        "the database {location} is damaged: {said}",
        "Stop all that uses it and restore a backup, without the old files -wal and -shm.",
    ),
    (
        ("is full", "disk I/O error", "No space left"),
        StoreError,
        "the database {location} cannot grow: {said}",
        "Free some space; what was acknowledged before is safe.",
    ),
)
"""By parts of the driver's message: the error, what it says, and what to do."""


def is_undone(error: DBAPIError) -> bool:
    """Return whether the server ended the session for its pause, before it was told to commit."""
    return str(getattr(error.orig, "sqlstate", None)) in TRANSACTION_TIMEOUTS


def unanswered_commit(error: DBAPIError, location: Location) -> StoreError:
    """Return the error of a change whose commit was not answered."""
    return StoreError(
        f"the database {location} was lost while a change was being saved: it may be saved or not",
        f"Look whether it was saved before you repeat it ({_said(error, location)}).",
    )


def _said(error: DBAPIError, location: Location) -> str:
    """Return the first line of what the driver said."""
    first_line = str(error.orig).strip().partition("\n")[0]
    return visible(shortened(location.hide(first_line), 200))


def store_error(error: DBAPIError, location: Location) -> StoreError:
    """Return a driver's error as one with a hint."""
    said = _said(error, location)
    signed = f"{said} {getattr(error.orig, 'sqlite_errorname', '')}"
    for signs, make, message, hint in _MEANINGS:
        if any(sign in signed for sign in signs):
            return make(message.format(location=location, said=said), hint.format(said=said))
    return StoreError(
        f"the database {location} failed: {said}",
        "Try again; `firetower database info` tells more about it.",
    )
