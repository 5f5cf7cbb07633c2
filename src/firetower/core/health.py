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
    health: Health
    said: str
    hint: str = ""
    """What to do about it."""


def good(name: str, said: str) -> Check:
    """Return a check that passed."""
    return Check(name, Health.OK, said)


def doubtful(name: str, said: str, hint: str) -> Check:
    """Return a check with a warning."""
    return Check(name, Health.WARN, said, hint)


def bad(name: str, said: str, hint: str) -> Check:
    """Return a check that failed."""
    return Check(name, Health.FAIL, said, hint)
