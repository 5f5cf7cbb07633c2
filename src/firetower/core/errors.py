"""The errors a caller can expect."""

from firetower.core.text import bounded


class FiretowerError(Exception):
    """What is wrong, and what to do about it: one line each."""

    def __init__(self, message: str, hint: str) -> None:
        self.message, self.hint = bounded(message), bounded(hint)
        super().__init__(self.message)

    @property
    def text(self) -> str:
        """Both lines."""
        return f"{self.message}\n{self.hint}"


class Cancelled(Exception):
    """The caller does not want the result any more."""


class Unforeseen(FiretowerError):
    """A defect of Firetower itself."""

    def __init__(self, error: BaseException, log: str = "") -> None:
        """`log` is the file that has its traceback."""
        super().__init__(
            f"something went wrong that must not: {type(error).__name__}: {error}",
            "It is a defect of Firetower; nothing of yours is lost. Please report it"
            + (f" with {log}." if log else "."),
        )


class NotReady(FiretowerError):
    """Something of this machine's own is missing: executions wait for it, and none fails."""


class OutOfResources(NotReady):
    """This machine has no file handle, memory or port left for a request."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no connection can be opened here: {reason}",
            "Raise the limit of open files (ulimit -n), or lower --max-in-flight of endpoints.",
        )


class InvalidInput(FiretowerError):
    """An argument breaks a rule."""


class NotFound(FiretowerError):
    """Nothing has that name."""


class Conflict(FiretowerError):
    """The name is taken, or the thing is still in use."""


class SecretKeyError(NotReady):
    """The key of the secrets is missing or wrong."""


class StoreError(FiretowerError):
    """The database cannot be used."""


class StoreLocked(StoreError):
    """Another process holds the database; trying again may help."""


class DatabaseReplaced(StoreError):
    """The database went back to an earlier state, or another is in its place."""
