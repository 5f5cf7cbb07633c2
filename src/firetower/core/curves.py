"""Curves: a metric's values, thinned to the dots of a chart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from firetower.core.text import BARS

MAX_PARTS = 512
"""Parts of a curve: a chart has fewer dots in a line."""

Range: TypeAlias = tuple[float, float]
"""The least and the greatest value of some steps."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The least and the greatest finite value of each part of a metric's steps."""

    first: int = 0
    """The smallest step with a value."""
    last: int = 0
    """The largest one."""
    count: int = 0
    """Values of the metric, also those that are not finite."""
    ranges: Mapping[int, Range] = field(default_factory=dict)
    """By the number of the part, in order; each has `width` steps, the first begins at `first`."""
    is_exact: bool = True
    """Whether every value was read, or it is a sketch of some."""

    @property
    def width(self) -> int:
        """Steps of a part: a power of two."""
        return part_width(self.first, self.last)

    def scale(self) -> Range | None:
        """Return the least and the greatest value; None without a finite one."""
        if not self.ranges:
            return None
        lows, highs = zip(*self.ranges.values(), strict=True)
        return min(lows), max(highs)

    def place(self, step: float, length: int) -> int:
        """Return which of so many equal pieces of the steps a step is in."""
        if self.last == self.first:
            return 0
        place = (step - self.first) * (length - 1) / (self.last - self.first)
        return min(max(round(place), 0), length - 1)

    def columns(self, length: int) -> list[Range | None]:
        """Return the ranges of so many equal pieces of the steps; None where there is no value."""
        found: list[Range | None] = [None] * length
        middle = (self.width - 1) / 2
        for part, (low, high) in self.ranges.items():
            place = self.place(self.first + part * self.width + middle, length)
            before = found[place]
            found[place] = (low, high) if before is None else _joined(before, (low, high))
        return found

    def widened(self, width: int) -> dict[int, Range]:
        """Return the ranges of wider parts."""
        ranges: dict[int, Range] = {}
        for part, one in self.ranges.items():
            wide = part * self.width // width
            ranges[wide] = _joined(ranges[wide], one) if wide in ranges else one
        return ranges


def part_width(first: int, last: int) -> int:
    """Return the smallest power of two of which MAX_PARTS hold all steps."""
    return 1 << ((last - first) // MAX_PARTS).bit_length()


def ranges_of(values: Iterable[tuple[int, float]]) -> dict[int, Range]:
    """Return the range of each part, given parts and values."""
    ranges: dict[int, Range] = {}
    for part, value in values:
        one = (value, value)
        ranges[part] = _joined(ranges[part], one) if part in ranges else one
    return ranges


def value_sparkline(values: Sequence[float]) -> str:
    """Return values as bars in one line, the lowest bar the least of them: "█▅▃▂▁"."""
    if not values:
        return ""
    low, high = min(values), max(values)
    span = high - low
    top = len(BARS) - 1
    return "".join(BARS[round((one - low) / span * top) if span else 0] for one in values)


def _joined(one: Range, other: Range) -> Range:
    return min(one[0], other[0]), max(one[1], other[1])
