"""Keys with which scripts and W&B's SDK reach `firetower serve`."""

import hashlib
import secrets
from typing import Any

from pydantic import AwareDatetime

from firetower.core.references import Frozen
from firetower.core.text import instant

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
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None = None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        used = None if self.last_used_at is None else instant(self.last_used_at)
        times = {"created_at": instant(self.created_at), "last_used_at": used}
        return self.model_dump(exclude={"created_at", "last_used_at"}) | times


def new_key() -> str:
    """Return a new key."""
    return secrets.token_hex(KEY_BYTES)


def hash_key(key: str) -> str:
    """Return what is kept of a key; a plain sha256, for nobody can guess 160 random bits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
