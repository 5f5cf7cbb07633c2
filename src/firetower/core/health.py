"""What an examination finds."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    health: Health
    said: str
    hint: str = ""
    """What to do about it."""


def good(name: str, said: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, Health.OK, said)


def doubtful(name: str, said: str, hint: str) -> Check:
    """Return a check that found what may be meant so."""
    return Check(name, Health.WARN, said, hint)


def bad(name: str, said: str, hint: str) -> Check:
    """Return a check that found what must be changed."""
    return Check(name, Health.FAIL, said, hint)
