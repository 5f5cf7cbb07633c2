"""Secrets, which can be set and never read back."""

from dataclasses import dataclass
from datetime import datetime

from firetower.store import secrets as store
from firetower.store.keys import keep_newest_key, rotate_key
from firetower.store.store import Store


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """What may be told of a secret."""

    name: str
    updated_at: datetime
    used_by: tuple[str, ...]
    """The endpoints it is granted to."""


class SecretBox:
    """The secrets of a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set(self, name: str, value: str) -> bool:
        """Save a secret, or replace its value; return whether it is new.

        A replaced value still signs requests, beside the new one, for 24 hours. Raises
        InvalidInput, SecretKeyError.
        """
        with self._store.changing() as change:
            keyring = self._store.keyring(change.connection, create=True)
            return store.set_secret(change, keyring, name, value)

    def rotate(self) -> int:
        """Encrypt every secret with a new key; return how many. Raises SecretKeyError.

        A crash at any moment leaves every secret readable, and it can be run again. Where the key
        comes from the environment, its first key is the new one.
        """
        location = self._store.database.location
        with self._store.changing() as change:
            keyring = rotate_key(change.connection, location)
            if keyring is None:
                return 0
            count = store.encrypt_anew(change.connection, keyring)
        keep_newest_key(location)
        return count

    def list(self) -> list[SecretInfo]:
        """Return every secret by name."""
        with self._store.reading() as connection:
            return [SecretInfo(*found) for found in store.list_secrets(connection)]

    def delete(self, name: str) -> None:
        """Forget a secret. Raises NotFound, and Conflict while an endpoint uses it."""
        with self._store.changing() as change:
            store.delete_secret(change, name)
