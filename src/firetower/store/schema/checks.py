"""Constraints used by several tables."""

from enum import StrEnum

from sqlalchemy import CheckConstraint


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """Allow only the values of an enumeration in a column."""
    allowed = ", ".join(f"'{choice.value}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({allowed})", name=f"known_{column}")
