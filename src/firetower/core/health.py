"""Results of checking a database."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One check and its result."""

    name: str
    said: str
    hint: str = ""
    """What to do about it."""
    health: Health = Health.OK
