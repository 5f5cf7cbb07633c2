"""What a filter found when it was tested: each condition, expected, actual, held or not."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from firetower.core.filters.fields import MISSING, Value

Combination: TypeAlias = Literal["all of", "any of", "not"]


@dataclass(frozen=True, slots=True)
class Trace:
    """One condition of a filter as it was tested on one event."""

    expected: str
    """The condition in words: "alias ~ ^prod"."""
    held: bool
    actual: Value = MISSING
    """The event's value, for a predicate; `missing` where the event has none."""
    combination: Combination | None = None
    """How the parts combine; None for a predicate."""
    parts: tuple["Trace", ...] = ()

    def first_failure(self) -> "Trace | None":
        """Return the first condition that stopped the filter, or None if it held."""
        if self.held:
            return None
        if self.combination == "all of" or len(self.parts) == 1:
            failed = (part.first_failure() for part in self.parts)
            return next((part for part in failed if part is not None), self)
        return self

    def as_data(self) -> dict[str, Any]:
        """Return the trace as JSON-ready data."""
        data: dict[str, Any] = {"expected": self.expected, "held": self.held}
        if self.combination is None:
            data["missing"] = self.actual is MISSING
            data["actual"] = None if self.actual is MISSING else self.actual
        else:
            data["parts"] = [part.as_data() for part in self.parts]
        return data
