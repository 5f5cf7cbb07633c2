"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect, Integer, TypeDecorator

MOST = 2**63 - 1
"""The largest whole number that a column or a limit takes."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Id = BigInteger().with_variant(Integer, "sqlite")
"""A row's number: 64 bits on both; SQLite numbers rows automatically only for INTEGER."""


def bounded(number: int) -> int:
    """Return a number as the databases can compare it: what is larger than any row's is `MOST`."""
    return max(-MOST, min(number, MOST))


def bounded_limit(limit: int) -> int:
    """Return a limit as the databases take it; a negative one, which SQLite reads as none, is 0."""
    return max(0, bounded(limit))


def instant_number(moment: datetime) -> int:
    """Return a moment as an `Instant` column keeps it."""
    return (moment - EPOCH) // _MICROSECOND


def optional_number(moment: datetime | None) -> int | None:
    """Return a moment that may be missing as an `Instant` column keeps it."""
    return None if moment is None else instant_number(moment)


class Instant(TypeDecorator[datetime]):
    """A moment, kept as whole microseconds since 1970 in UTC: exact, ordered, compact."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Write a moment."""
        return optional_number(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Read a moment."""
        return None if value is None else EPOCH + timedelta(microseconds=value)
