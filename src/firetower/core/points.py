"""Points: the values of a run's metrics, each at a step."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from operator import index
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex, cast

from firetower.core.errors import InvalidInput
from firetower.core.json import items_of
from firetower.core.references import one_spelling
from firetower.core.text import quoted, shortened

MAX_METRICS = 10_000
"""Metrics of one call."""
MAX_METRIC_NAME = 256
SYSTEM = "system."
"""What the names of the machine's own metrics begin with: they count steps of their own."""
MAX_STEP = 2**63 - 1
"""The largest step that a column holds."""
_MAX_DEPTH = 64


class Point(NamedTuple):
    """One value of one metric. Not-a-number and infinite values are kept."""

    name: str
    step: int
    value: float
    at: datetime | None = None
    """With a time zone; the moment of writing unless given."""


def check_metric_name(name: object) -> str:
    """Return a metric's name in its one spelling. Raises InvalidInput."""
    if isinstance(name, str):
        name = one_spelling(name)
        if name.strip() and len(name) <= MAX_METRIC_NAME and name.isprintable():
            return name
    raise InvalidInput(
        f"metric name {shortened(quoted(name), 40)} is not allowed",
        f"Use text of 1 to {MAX_METRIC_NAME} printable characters.",
    )


_spelled = lru_cache(maxsize=4 * MAX_METRICS)(check_metric_name)


def check_step(step: object) -> int:
    """Return a step. Raises InvalidInput for what is no whole number from 0 on."""
    try:
        number = None if isinstance(step, bool) else index(cast("SupportsIndex", step))
    except Exception:  # a TypeError also of arrays, which have an __index__
        number = None
    if number is None:
        raise InvalidInput(
            f"step {shortened(quoted(step), 40)} is not an integer",
            "Give a whole number, such as the number of the batch.",
        )
    if not 0 <= number <= MAX_STEP:
        raise InvalidInput(
            f"step {shortened(quoted(number), 40)} is out of range", f"Give 0 to {MAX_STEP}."
        )
    return number


def flatten(values: Mapping[str, object], *, strict: bool = True) -> dict[str, float]:
    """Return metrics by their names; those of a nested object are joined with dots.

    Numbers are what `float` takes, NumPy's and tensors of one element too. Raises InvalidInput for
    anything else, unless `strict` is False: then it is left out. Raises it also for a metric that
    is given twice, and for more than 10,000.
    """
    if not isinstance(values, Mapping):
        raise InvalidInput(
            f"metrics cannot be of type {type(values).__name__}",
            'Give a number for each name: {"loss": 0.3}.',
        )
    found: dict[str, float] = {}
    _add_numbers(found, values, "", 0, strict=strict)
    if len(found) > MAX_METRICS:
        raise InvalidInput(
            f"there are more than {MAX_METRICS:,} metrics in one call",
            f"Log at most {MAX_METRICS:,} at once.",
        )
    return found


def _add_numbers(
    found: dict[str, float], values: Mapping[Any, object], prefix: str, depth: int, *, strict: bool
) -> None:
    if depth > _MAX_DEPTH:
        raise InvalidInput(
            f"the metrics are nested deeper than {_MAX_DEPTH} levels", "Flatten them."
        )
    for key, value in items_of(values, "the metrics"):
        name = f"{prefix}{key}" if prefix and isinstance(key, str) else key
        if type(value) is not float and isinstance(value, Mapping):
            inside = f"{check_metric_name(name)}."
            _add_numbers(found, value, inside, depth + 1, strict=strict)
            continue
        name = _spelled(name) if type(name) is str else check_metric_name(name)
        number = value if type(value) is float else _number(value)
        if number is None and strict:
            raise InvalidInput(
                f"metric {quoted(shortened(name, 40))} is of type {type(value).__name__}, "
                "not a number",
                "Log numbers; put text and lists into the config or the summary.",
            )
        if number is None:
            continue
        if name in found:
            raise InvalidInput(
                f"metric {quoted(shortened(name, 40))} is given twice",
                "Give one value for each name.",
            )
        found[name] = number


def _number(value: object) -> float | None:
    if isinstance(value, str | bytes | bytearray):
        return None
    try:
        return float(cast("SupportsFloat", value))
    except Exception:
        return None  # such as an array or tensor of several elements, or too large a number
