"""Whether anything may be changed. Imports no SQL: the app asks before its first paint."""

import os

READ_ONLY_VARIABLE = "FIRETOWER_READ_ONLY"
_NO = {"", "0", "false", "no", "off"}


def default_read_only() -> bool:
    """Return whether nothing may be changed: FIRETOWER_READ_ONLY, for scripts and programs too."""
    return os.environ.get(READ_ONLY_VARIABLE, "").lower() not in _NO
