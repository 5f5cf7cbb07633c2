"""The key that opens the secrets."""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, select

from firetower.core.errors import SecretKeyError
from firetower.store import tables
from firetower.store.location import Location

KEY_VARIABLE = "FIRETOWER_SECRET_KEY"

_CHECK = "secret_key_check"
_CHECK_TEXT = b"firetower"


class Keyring:
    """Encrypts with the first key, opens with any."""

    def __init__(self, fernet: MultiFernet) -> None:
        self._fernet = fernet

    def encrypt(self, value: str) -> str:
        """Return the value as it may be stored."""
        return self._fernet.encrypt(value.encode()).decode("ascii")

    def decrypt(self, ciphertext: str) -> str:
        """Return the stored value. Raises SecretKeyError."""
        try:
            return self._fernet.decrypt(ciphertext.encode("ascii")).decode()
        except InvalidToken:
            raise SecretKeyError(
                "a secret cannot be opened with this key",
                "Set it again with `firetower secret set`, or bring back the key of that time.",
            ) from None


def open_keyring(connection: Connection, location: Location, *, create: bool = False) -> Keyring:
    """Return the keyring of a database.

    With `create`, and where no secret was ever saved, a missing key file is made; `connection`
    must then be able to change the database. Raises SecretKeyError when the key is missing, is
    not a key, or is not the one this database's secrets were saved with.
    """
    check = connection.execute(
        select(tables.state.c.value).where(tables.state.c.key == _CHECK)
    ).scalar()
    text, origin = _key_text(location, create=create and check is None)
    keyring = Keyring(_fernet(text, origin))
    if check is not None:
        _verify(keyring, check, origin)
    elif create:
        row = {"key": _CHECK, "value": keyring.encrypt(_CHECK_TEXT.decode())}
        connection.execute(tables.state.insert(), row)
    return keyring


def _key_text(location: Location, *, create: bool) -> tuple[str, str]:
    """Return the key's text and where it came from."""
    from_environment = os.environ.get(KEY_VARIABLE)
    if from_environment:
        return from_environment, KEY_VARIABLE
    path = location.key_file
    if create and not path.exists():
        _write_key(path)
    try:
        return path.read_text("ascii"), str(path)
    except FileNotFoundError:
        raise SecretKeyError(
            f"the secret key is missing: {path}",
            f"Bring the file back, or set {KEY_VARIABLE} to the key the secrets were saved with.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretKeyError(
            f"the secret key in {path} cannot be read: {error}",
            "Make it readable for this user, or bring back its content.",
        ) from None


def _write_key(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SecretKeyError(
            f"the secret key cannot be written to {path}: {error.strerror}",
            f"Make its folder writable, or set {KEY_VARIABLE}.",
        ) from None


def _fernet(text: str, origin: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(part.strip()) for part in text.split(",")])
    except ValueError:
        raise SecretKeyError(
            f"{origin} does not hold a secret key",
            "A key is 32 bytes in URL-safe base64; several are separated by commas.",
        ) from None


def _verify(keyring: Keyring, check: str, origin: str) -> None:
    try:
        keyring.decrypt(check)
    except SecretKeyError:
        raise SecretKeyError(
            f"the secret key in {origin} is not this database's",
            f"Set {KEY_VARIABLE} to the key the secrets were saved with.",
        ) from None
