"""Identifiers that no two things share and nobody can guess."""

import secrets
from collections.abc import Callable

NewId = Callable[[], str]
"""Returns another identifier at each call. Whoever needs the same ones again passes their own."""


def random_id() -> str:
    """Return 32 random hexadecimal digits."""
    return secrets.token_hex(16)
