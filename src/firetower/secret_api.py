"""The Python API of secrets, in its own module: it needs few of the others'."""

from contextlib import ExitStack

from firetower.store import secrets
from firetower.store.store import Transactions, changes, reads


class SecretBox(Transactions):
    """The secrets of a database, which can be set and never read back."""

    list = reads(secrets.list_secrets)
    delete = changes(secrets.delete_secret)

    def set(self, name: str, value: str) -> bool:
        """Save a secret, or replace its value; return whether it is new.

        A replaced value still signs requests, beside the new one, for 24 hours. Raises
        InvalidInput, SecretKeyError.
        """
        with self._store.changing() as change:
            return secrets.set_secret(change, self._store.keyring(change, create=True), name, value)

    def rotate(self) -> int:
        """Encrypt every secret with a new key; return how many. Raises SecretKeyError.

        A crash at any moment leaves every secret readable, and it can be run again. Where the key
        comes from the environment, its first key is the new one.
        """
        from firetower.store import keys  # imports cryptography

        location = self._store.database.location
        with ExitStack() as alone:
            with self._store.changing() as change:
                alone.enter_context(keys.rotating(location))
                keyring = keys.rotate_key(change.connection, location)
                if keyring is None:
                    return 0
                count = secrets.reencrypt(change, keyring)
            keys.keep_newest_key(location)
        return count
