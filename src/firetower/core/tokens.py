"""Keys with which scripts and W&B's SDK reach `firetower serve`."""

import hashlib
import secrets
from typing import Any

from firetower.core.references import Frozen, Timestamp

KEY_BYTES = 20
"""Random bytes of a key: in hexadecimal the 40 characters that W&B's SDK asks for."""


class Token(Frozen):
    """A key's owner and rights; the key itself is shown once and never kept."""

    id: int
    user: str
    """The author of what is changed with it."""
    entity: str
    """The entity of a script that names none."""
    read_only: bool
    created_at: Timestamp
    last_used_at: Timestamp | None = None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return self.model_dump(mode="json")


def new_key() -> str:
    """Return a new key."""
    return secrets.token_hex(KEY_BYTES)


def hash_key(key: str) -> str:
    """Return what is kept of a key; a plain sha256, for nobody can guess 160 random bits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
