"""Conditions on the newest values of one metric of a run.

The names are W&B's. A window that is not full yet never holds; neither does one with a value that
is not a number or not finite.
"""

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    TypeAdapter,
    ValidationInfo,
    field_validator,
    model_validator,
)

from firetower.core.errors import InvalidInput
from firetower.core.points import check_metric_name
from firetower.core.references import Frozen, Name
from firetower.core.runs import StateCondition
from firetower.core.text import counted, quoted, shortened, visible

MAX_WINDOW = 1_000
"""Values of a window."""
DEFAULT_WINDOW = 30
"""Values of a z-score's window, as in W&B."""
_SHOWN_VALUES = 20
"""Values of a window that an event keeps."""


class Aggregate(StrEnum):
    """How a window becomes one value; without one it is the newest."""

    AVERAGE = "AVERAGE"
    MIN = "MIN"
    MAX = "MAX"

    @property
    def word(self) -> str:
        """Before a metric's name: "average loss"."""
        return _AGGREGATES[self][0]

    def of(self, values: Sequence[float]) -> float:
        """Return a window of finite values as one."""
        return _AGGREGATES[self][1](values)


_AGGREGATES: Mapping[Aggregate, tuple[str, Callable[[Sequence[float]], float]]] = {
    Aggregate.AVERAGE: ("average", lambda values: math.fsum(values) / len(values)),
    Aggregate.MIN: ("minimum", min),
    Aggregate.MAX: ("maximum", max),
}


class Comparison(StrEnum):
    """How a value is compared with a threshold."""

    GT = "$gt"
    GTE = "$gte"
    LT = "$lt"
    LTE = "$lte"
    EQ = "$eq"
    NE = "$ne"

    @property
    def sign(self) -> str:
        """The mathematical sign."""
        return _COMPARISONS[self][0]

    @property
    def word(self) -> str:
        """As a sentence says it: "above"."""
        return _COMPARISONS[self][1]

    def holds(self, value: float, threshold: float) -> bool:
        """Return whether a value compares with a threshold in this way."""
        return _COMPARISONS[self][2](value, threshold)


_COMPARISONS: Mapping[Comparison, tuple[str, str, Callable[[float, float], bool]]] = {
    Comparison.GT: (">", "above", operator.gt),
    Comparison.GTE: ("≥", "at least", operator.ge),
    Comparison.LT: ("<", "below", operator.lt),
    Comparison.LTE: ("≤", "at most", operator.le),
    Comparison.EQ: ("=", "exactly", operator.eq),
    Comparison.NE: ("≠", "not", operator.ne),
}


class ChangeType(StrEnum):
    """The unit of a change: the metric's own, or shares of the value before."""

    ABSOLUTE = "ABSOLUTE"
    RELATIVE = "RELATIVE"


class Direction(StrEnum):
    """The way a value moves."""

    INCREASE = "INCREASE"
    DECREASE = "DECREASE"
    ANY = "ANY"

    def reaches(self, change: float, amount: float) -> bool:
        """Return whether a change goes this way by an amount or more."""
        if self is Direction.ANY:
            return abs(change) >= amount
        return (change if self is Direction.INCREASE else -change) >= amount


@dataclass(frozen=True, slots=True)
class Measurement:
    """A condition tested on the newest values of a metric."""

    held: bool
    current: float | None = None
    """The value that was compared; None where it is not a finite number, or the window not full."""
    before: float | None = None
    """The value that a change or a z-score is measured from."""
    difference: float | None = None
    """A change, in the condition's unit, or a z-score; None where there is none."""
    missing: int = 0
    """Values that the window lacks."""


_UNMEASURED = Measurement(held=False)


class MetricCondition(Frozen, ABC):
    """A condition on the newest values of one metric."""

    metric: Name

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        check_metric_name(self.metric)
        self._check()
        return self

    @property
    @abstractmethod
    def needed(self) -> int:
        """How many values a test reads."""

    @property
    @abstractmethod
    def words(self) -> str:
        """The condition after "When": "average loss over 10 values is above 0.65"."""

    @property
    def label(self) -> str:
        """The condition as a column shows it: "average loss > 0.65"."""
        return f"{self.subject()} {self._asked}"

    def subject(self, run: str = "") -> str:
        """Return what is measured, in words: "average loss of resnet"."""
        return f"{visible(self.metric)}{f' of {visible(run)}' if run else ''}"

    def found(self, measured: Measurement, run: str = "") -> str:
        """Return a test's result in words, with the run if named: "loss of resnet is 0.71"."""
        if measured.missing:
            there = self.needed - measured.missing
            return f"the window has {there} of {counted(self.needed, 'value')}"
        if measured.current is None:
            return "the window holds a value that is not a finite number"
        return self._found(measured, measured.current, run)

    def asked(self, measured: Measurement) -> str:
        """Say why a test failed: "average loss is 0.61, asked: > 0.65"."""
        found = self.found(measured)
        return found if measured.current is None else f"{found}, asked: {self._asked}"

    def measure(self, values: Sequence[float]) -> Measurement:
        """Test the condition on the newest of some values, the newest last."""
        needed = self.needed
        if len(values) < needed:
            return Measurement(held=False, missing=needed - len(values))
        try:
            return self._measure(values[-needed:])
        except OverflowError:  # of numbers near the largest one
            return _UNMEASURED

    def edges(
        self, values: Sequence[float], first: int = 0, *, held: bool = False
    ) -> Iterator[tuple[int, Measurement]]:
        """Yield each place, from `first` on, at which the condition starts or stops holding.

        `held` says whether it held before `first`. Windows reach back before it.
        """
        needed = self.needed
        for place in range(first, len(values)):
            measured = self.measure(values[max(0, place + 1 - needed) : place + 1])
            if measured.held is not held:
                held = measured.held
                yield place, measured

    @abstractmethod
    def _check(self) -> None:
        """Refuse numbers with which it could never hold, or always. Raises InvalidInput."""

    @abstractmethod
    def _measure(self, values: Sequence[float]) -> Measurement: ...

    @abstractmethod
    def _found(self, measured: Measurement, current: float, run: str) -> str: ...

    @property
    @abstractmethod
    def _asked(self) -> str: ...


class AggregateCondition(MetricCondition):
    """A condition on values, or on aggregates of windows of them."""

    aggregate: Aggregate | None = None
    window: int = Field(default=1, strict=True)
    """Values that are aggregated; without an aggregate it is always 1, as in W&B."""

    @field_validator("window", "prior_window", check_fields=False)
    @classmethod
    def _is_one_without_aggregate(cls, window: int, info: ValidationInfo) -> int:
        _check_window(window, "a window" if info.field_name == "window" else "a prior window")
        return window if info.data.get("aggregate") else 1

    def subject(self, run: str = "") -> str:
        """Return what is measured, in words: "average loss of resnet"."""
        word = "" if self.aggregate is None else f"{self.aggregate.word} "
        return word + super().subject(run)

    @property
    def _over(self) -> str:
        return "" if self.window == 1 else f" over {self.window:,} values"

    def _aggregated(self, values: Sequence[float]) -> float:
        """Return a window as one value; not a number where it holds one that is not finite."""
        if self.aggregate is None:
            return values[-1]
        return self.aggregate.of(values) if all(map(math.isfinite, values)) else math.nan


class ThresholdCondition(AggregateCondition):
    """A value, or an aggregate of the newest ones, crosses a threshold."""

    kind: Literal["threshold"] = "threshold"
    comparison: Comparison
    threshold: float

    def _check(self) -> None:
        _check_finite(self.threshold, "the threshold")

    @property
    def needed(self) -> int:
        """How many values a test reads."""
        return self.window

    @property
    def words(self) -> str:
        """The condition after "When"."""
        is_ = f"is {self.comparison.word} {number(self.threshold)}"
        return f"{self.subject()}{self._over} {is_}"

    def _measure(self, values: Sequence[float]) -> Measurement:
        value = self._aggregated(values)
        if not math.isfinite(value):
            return _UNMEASURED
        return Measurement(self.comparison.holds(value, self.threshold), value)

    def _found(self, measured: Measurement, current: float, run: str) -> str:
        found = f"{self.subject(run)}{self._over} is {number(current)}"
        if not measured.held:
            return found
        return f"{found}, {self.comparison.word} {number(self.threshold)}"

    @property
    def _asked(self) -> str:
        return f"{self.comparison.sign} {number(self.threshold)}"


class ChangeCondition(AggregateCondition):
    """The newest values differ from those before them; the two windows do not overlap."""

    kind: Literal["change"] = "change"
    prior_window: int = Field(default_factory=lambda given: given.get("window", 1), strict=True)
    change_type: ChangeType
    direction: Direction
    amount: float
    """In the metric's unit; of a relative change 0.2 is 20 %."""

    @property
    def amount_text(self) -> str:
        """The amount as `parse_change` reads it: "20%", "0.2"."""
        if self.change_type is ChangeType.RELATIVE:
            return f"{Decimal(repr(self.amount)).scaleb(2).normalize():f}%"
        return plain_number(self.amount)

    def _check(self) -> None:
        _check_positive(self.amount, "a change")

    @property
    def needed(self) -> int:
        """How many values a test reads."""
        return self.window + self.prior_window

    @property
    def words(self) -> str:
        """The condition after "When"."""
        verb = {Direction.INCREASE: "rises", Direction.DECREASE: "falls", Direction.ANY: "changes"}
        by = f"{verb[self.direction]} by {self._size(self.amount)} or more"
        return f"{self.subject()} {by}{self._over}"

    def _measure(self, values: Sequence[float]) -> Measurement:
        before = self._aggregated(values[: self.prior_window])
        current = self._aggregated(values[self.prior_window :])
        if not math.isfinite(before) or not math.isfinite(current):
            return _UNMEASURED
        change = current - before
        if self.change_type is ChangeType.RELATIVE:
            change = change / abs(before) if before else math.nan
        if not math.isfinite(change):
            return Measurement(False, current, before)  # noqa: FBT003
        return Measurement(self.direction.reaches(change, self.amount), current, before, change)

    def _found(self, measured: Measurement, current: float, run: str) -> str:
        change = measured.difference
        if change is None:
            by = "has no relative change"  # of nothing
        elif change:
            by = f"{'rose' if change > 0 else 'fell'} by {self._size(abs(change))}"
        else:
            by = "did not change"
        values = f"{number(measured.before or 0)} → {number(current)}"
        return f"{self.subject(run)} {by}{self._over}: {values}"

    @property
    def _asked(self) -> str:
        sign = {Direction.INCREASE: "+", Direction.DECREASE: "−", Direction.ANY: "±"}
        return f"{sign[self.direction]}{self._size(self.amount)}"

    def _size(self, amount: float) -> str:
        if self.change_type is ChangeType.RELATIVE:
            return f"{number(amount * 100, digits=3)} %"
        return number(amount)


class ZScoreCondition(MetricCondition):
    """The newest value is far from the mean of those before it, in standard deviations."""

    kind: Literal["zscore"] = "zscore"
    window: int = Field(default=DEFAULT_WINDOW, strict=True)
    direction: Direction = Direction.ANY
    threshold: float = 3.0
    """Standard deviations."""

    def _check(self) -> None:
        _check_window(self.window, least=2)
        _check_positive(self.threshold, "a z-score")

    @property
    def needed(self) -> int:
        """How many values a test reads."""
        return self.window + 1

    @property
    def words(self) -> str:
        """The condition after "When"."""
        way = {Direction.INCREASE: "above", Direction.DECREASE: "below", Direction.ANY: "away from"}
        far = f"{number(self.threshold)} standard deviations or more {way[self.direction]}"
        return f"{self.subject()} is {far} the mean of the {self.window:,} values before it"

    @property
    def label(self) -> str:
        """The condition as a column shows it."""
        return f"z-score of {super().label}"

    def _measure(self, values: Sequence[float]) -> Measurement:
        *earlier, value = values
        if not all(map(math.isfinite, values)):
            return _UNMEASURED
        mean = math.fsum(earlier) / len(earlier)
        deviation = math.sqrt(math.fsum((one - mean) * (one - mean) for one in earlier))
        deviation /= math.sqrt(len(earlier))
        score = (value - mean) / deviation if deviation else math.nan
        if not math.isfinite(score):
            return Measurement(False, value, mean)  # noqa: FBT003
        return Measurement(self.direction.reaches(score, self.threshold), value, mean, score)

    def _found(self, measured: Measurement, current: float, run: str) -> str:
        is_ = f"{self.subject(run)} is {number(current)}"
        if measured.difference is None:
            return f"{is_}; the values before it are all the same"
        score = f"z-score {number(measured.difference, digits=3)}"
        return f"{is_}, {score}: the mean before it is {number(measured.before or 0)}"

    @property
    def _asked(self) -> str:
        signs = {Direction.INCREASE: "≥ ", Direction.DECREASE: "≤ −", Direction.ANY: "≥ ±"}
        return f"{signs[self.direction]}{number(self.threshold)}"


AnyMetricCondition = Annotated[
    ThresholdCondition | ChangeCondition | ZScoreCondition, Discriminator("kind")
]
Condition = Annotated[
    StateCondition | ThresholdCondition | ChangeCondition | ZScoreCondition, Discriminator("kind")
]
"""What an automation on a run event waits for."""
_METRIC_CONDITION: TypeAdapter[AnyMetricCondition] = TypeAdapter(
    AnyMetricCondition, config={"defer_build": True}
)


@dataclass(frozen=True, slots=True)
class Crossing:
    """A metric as its condition began to hold: part of a metric's event."""

    condition: AnyMetricCondition
    step: int
    values: tuple[float, ...]
    """The values that were tested, the newest last: of a longer window the last 20."""
    measured: Measurement

    @classmethod
    def of(cls, condition: AnyMetricCondition, step: int, values: Sequence[float]) -> Self:
        """Return the crossing at the last of some values, for which the condition holds."""
        measured = condition.measure(values)
        assert measured.held
        shown = tuple(values[-min(condition.needed, _SHOWN_VALUES) :])
        return cls(condition, step, shown, measured)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """Read what `as_data` returned."""
        numbers = data["current"], data["before"], data["difference"]
        return cls(
            condition=_METRIC_CONDITION.validate_python(data["condition"]),
            step=data["step"],
            values=tuple(data["values"]),
            measured=Measurement(True, *numbers),  # noqa: FBT003
        )

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data: where a condition holds, every value is finite."""
        measured = self.measured
        return {
            "name": self.condition.metric,
            "step": self.step,
            "values": list(self.values),
            "current": measured.current,
            "before": measured.before,
            "difference": measured.difference,
            "words": self.words(),
            "condition": self.condition.model_dump(mode="json"),
        }

    def words(self, run: str = "") -> str:
        """Return it in words: "loss of resnet-50 rose by 34 % over 10 values: 0.41 → 0.55"."""
        return self.condition.found(self.measured, run)


def number(value: float, digits: int = 4) -> str:
    """Return a number with few significant digits: "0.41", "1,204,000", "1e-07"."""
    if 10**digits - 0.5 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def parse_window(text: str, what: str = "window", least: int = 1) -> int:
    """Read a number of values. Raises InvalidInput."""
    try:
        window = int(text)
    except ValueError:
        raise InvalidInput(
            f"the {what} {quoted(shortened(text, 40))} is not a whole number",
            f"Give how many values it has, from 1 to {MAX_WINDOW:,}.",
        ) from None
    _check_window(window, f"a {what}", least)
    return window


def parse_number(text: str, what: str) -> float:
    """Read a finite number. Raises InvalidInput."""
    try:
        value = float(text)
    except ValueError:
        raise InvalidInput(
            f"the {what} {quoted(shortened(text, 40))} is not a number",
            "Write it as 0.65, 12 or 1e-4.",
        ) from None
    _check_finite(value, f"the {what}")
    return value


def parse_change(text: str) -> tuple[ChangeType, float]:
    """Read a change in the metric's unit, 0.2, or as a share of the value before, 20%.

    Raises InvalidInput.
    """
    share = text.strip().removesuffix("%")
    if share == text.strip():
        return ChangeType.ABSOLUTE, parse_number(text, "change")
    try:
        amount = float(Decimal(share.strip()).scaleb(-2))  # so that 7% is exactly 0.07
        _check_finite(amount, "the change")
    except (ArithmeticError, ValueError, InvalidInput):
        raise InvalidInput(
            f"the change {quoted(shortened(text, 40))} is not a share",
            "Write it as 20%, or in the metric's unit as 0.2.",
        ) from None
    return ChangeType.RELATIVE, amount


def plain_number(value: float) -> str:
    """Return a number as `parse_number` reads it: "3", "0.65"."""
    return f"{Decimal(repr(value)).normalize():f}" if 1e-4 <= abs(value) < 1e15 else repr(value)


def _check_window(window: int, what: str = "a window", least: int = 1) -> None:
    if not least <= window <= MAX_WINDOW:
        raise InvalidInput(
            f"{what} of {counted(window, 'value')} is not possible",
            f"Give from {least} to {MAX_WINDOW:,} values.",
        )


def _check_finite(value: float, what: str) -> None:
    if not math.isfinite(value):
        raise InvalidInput(f"{what} {value} cannot be compared with", "Give a finite number.")


def _check_positive(value: float, what: str) -> None:
    _check_finite(value, what)
    if value <= 0:
        raise InvalidInput(f"{what} of {number(value)} always holds", "Give more than zero.")
