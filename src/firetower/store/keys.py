"""The key that opens the secrets."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, select, update

from firetower.core.errors import InvalidInput, SecretKeyError
from firetower.settings import SECRET_KEY, read_settings
from firetower.store import schema
from firetower.store.files import Process, find_locker
from firetower.store.location import Location

_CHECK = "secret_key_check"
"""A row of the state table: `_CHECK_TEXT`, encrypted."""
_CHECK_TEXT = "firetower"


class Keyring:
    """Encrypts with the first of several keys, opens with any."""

    def __init__(self, keys: str, origin: str) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
        except ValueError:
            raise SecretKeyError(
                f"{origin} does not hold a secret key",
                "A key is 32 bytes in URL-safe base64; several are separated by commas.",
            ) from None

    def encrypt(self, value: str) -> str:
        """Return the value as it may be stored."""
        return self._fernet.encrypt(value.encode()).decode("ascii")

    def decrypt(self, ciphertext: str) -> str:
        """Return the stored value. Raises SecretKeyError."""
        try:
            return self._fernet.decrypt(ciphertext.encode("ascii")).decode()
        except (InvalidToken, ValueError):  # a value that is no text is damaged
            raise SecretKeyError(
                "a secret cannot be opened with this key",
                "Set it again with `firetower secret set`, or bring back the key of its time.",
            ) from None


def open_keyring(connection: Connection, location: Location, *, create: bool = False) -> Keyring:
    """Return the keyring of a database.

    With `create`, and where no secret was ever saved, a missing key file is made; `connection`
    must then be able to change the database. Raises SecretKeyError when the key is missing, is
    not a key, or is not the one this database's secrets were saved with.
    """
    check = _read_check(connection, lock=create)
    keys, origin = _read_keys(location, create=create and check is None)
    keyring = Keyring(keys, origin)
    if check is None:
        if create:
            row = {"key": _CHECK, "value": keyring.encrypt(_CHECK_TEXT)}
            connection.execute(schema.state.insert(), row)
        return keyring
    try:
        keyring.decrypt(check)
    except SecretKeyError:
        raise SecretKeyError(
            f"the secret key in {origin} is not this database's",
            f"Set {SECRET_KEY} to the key the secrets were saved with.",
        ) from None
    return keyring


def _read_check(connection: Connection, *, lock: bool) -> str | None:
    """Read the row that only the right key opens; with `lock` wait for a rotation to end."""
    query = select(schema.state.c.value).where(schema.state.c.key == _CHECK)
    found: str | None = connection.execute(query.with_for_update() if lock else query).scalar()
    return found


@contextmanager
def rotating(location: Location) -> Iterator[None]:
    """Keep other rotations away from the key file. Raises SecretKeyError where there is one.

    The database does not: PostgreSQL ends the transaction of one that is stopped, which would then
    go on to write keys that it read before.
    """
    with ExitStack() as stack:
        # Without a key file there is nothing to lock; some network file systems lock no folders.
        with suppress(InvalidInput, OSError):
            folder = location.key_file.resolve().parent
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _rotated_by(find_locker(folder)) from None
        yield


def _rotated_by(other: Process | None) -> SecretKeyError:
    return SecretKeyError(
        f"the secret key is being rotated by another process{f': {other}' if other else ''}",
        other.hint if other else "Wait until it is done.",
    )


def rotate_key(connection: Connection, location: Location) -> Keyring | None:
    """Put a new key before those in the key file, and return a keyring that encrypts with it.

    Until `keep_newest_key` the old keys stay in the file: a crash at any moment leaves every
    secret readable. With keys in the environment their first one is the new one, and it must be
    there already. Return None where no secret was ever saved. Raises SecretKeyError.
    """
    if _read_check(connection, lock=True) is None:
        return None
    open_keyring(connection, location)
    if keys := read_settings().secret_key:
        if "," not in keys:
            raise SecretKeyError(
                f"the secret key comes from {SECRET_KEY}, which this command cannot change",
                "Set it to NEW,OLD wherever it is set (NEW from `openssl rand -base64 32 "
                "| tr +/ -_`), and run this again.",
            )
        return Keyring(keys, SECRET_KEY)
    old, _ = _read_keys(location, create=False)
    keys = f"{Fernet.generate_key().decode()},{old.strip()}"
    _replace_key(location.key_file, keys)
    return Keyring(keys, str(location.key_file))


def keep_newest_key(location: Location) -> None:
    """Remove the old keys from the key file, once nothing needs them. Raises SecretKeyError."""
    if not read_settings().secret_key:
        keys, _ = _read_keys(location, create=False)
        _replace_key(location.key_file, keys.split(",")[0].strip())


def reencrypt_check(connection: Connection, keyring: Keyring) -> None:
    """Encrypt the row of the state table that tells the right key from others."""
    state = schema.state.c
    value = keyring.encrypt(_CHECK_TEXT)
    connection.execute(update(schema.state).where(state.key == _CHECK).values(value=value))


def _read_keys(location: Location, *, create: bool) -> tuple[str, str]:
    """Return the keys and where they came from."""
    if key := read_settings().secret_key:
        return key, SECRET_KEY
    try:
        path = location.key_file
    except InvalidInput as error:
        raise SecretKeyError(error.message, error.hint) from None
    if create and not path.exists():
        with _explain_unwritable(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(path, Fernet.generate_key())
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may have no end
            raise OSError("it is no file")
        return path.read_text("ascii"), str(path)
    except FileNotFoundError:
        raise SecretKeyError(
            f"the secret key is missing: {path}",
            f"Bring the file back, or set {SECRET_KEY} to the key the secrets were saved with.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretKeyError(
            f"the secret key in {path} cannot be read: {error}",
            "Make it readable for this user, or bring back its content.",
        ) from None


def _replace_key(path: Path, keys: str) -> None:
    """Replace a key file: after a crash it is the whole old one or the whole new one.

    A link to it stays, to the new one.
    """
    with _explain_unwritable(path):
        real = path.resolve(strict=True)
        beside = real.with_name(real.name + ".new")
        beside.unlink(missing_ok=True)
        _write(beside, keys.encode("ascii"))
        beside.replace(real)
        folder = os.open(real.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write(path: Path, content: bytes) -> None:
    """Make a file for its owner only, with any umask, and wait until it is on the disk.

    Raises OSError where the file exists: the first of two programs that make it wins.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError:  # as on a full disk: half a key would be in the way of the next try
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _explain_unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SecretKeyError(
            f"the secret key cannot be written to {path}: {error.strerror}",
            f"Make its folder writable, or set {SECRET_KEY}.",
        ) from None
