"""The errors a caller can expect.

FiretowerError
├── InvalidInput   what was given breaks a rule
├── NotFound       what was named does not exist
├── Conflict       the name is taken, or the thing is still in use
├── SecretKeyError the key that opens the secrets is missing or another one
└── StoreError     the database cannot be used
    ├── StoreLocked    another process holds it; trying again may help
    ├── SchemaOutdated the database is older than the program
    └── SchemaTooNew   the database is newer than the program
"""


class FiretowerError(Exception):
    """What is wrong, and what to do about it: one line each."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def text(self) -> str:
        """Both lines."""
        return f"{self.message}\n{self.hint}"


class InvalidInput(FiretowerError):
    """What was given breaks a rule."""


class NotFound(FiretowerError):
    """What was named does not exist."""


class Conflict(FiretowerError):
    """The name is taken, or the thing is still in use."""


class SecretKeyError(FiretowerError):
    """The key that opens the secrets is missing or another one."""


class StoreError(FiretowerError):
    """The database cannot be used."""


class StoreLocked(StoreError):
    """Another process holds the database; trying again may help."""


class SchemaOutdated(StoreError):
    """The database is older than the program."""


class SchemaTooNew(StoreError):
    """The database is newer than the program."""
