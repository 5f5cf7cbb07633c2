"""Filters and orders of lists, as W&B's SDK writes them: Mongo's JSON, `name` or `-created_at`."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from firetower.core.errors import InvalidInput
from firetower.core.filters.fields import MISSING, Value, dig
from firetower.core.filters.filter import parse_node
from firetower.core.json import parse
from firetower.core.text import quoted, shortened
from firetower.server.fields import Arguments

T = TypeVar("T")
Facts = Mapping[str, Value]
"""What can be asked of an item, by the names of fields."""


def select(
    items: Iterable[T],
    facts: Callable[[T], Facts],
    arguments: Arguments,
    filters: str = "filters",
    order: str = "order",
) -> list[T]:
    """Return the items that a field's filters let through, in its order. Raises InvalidInput."""
    kept = list(items)
    read: Callable[[T], Any] = facts  # a filter reads any object, by `get`
    text = arguments.optional_text(filters)
    condition = parse(text, filters) if text else None
    if condition is not None:
        node = parse_node(condition, get=lambda field: partial(_value, field))
        kept = [item for item in kept if node.holds(read(item))]
    if said := arguments.optional_text(order):
        field, _, direction = said.lstrip("+-").partition(" ")
        down = said.startswith("-") or direction.lower() == "desc"
        kept.sort(key=lambda item: _rank(_value(field, facts(item))), reverse=down)
    return kept


def _value(field: str, facts: Facts) -> Value:
    """Return a field, whose name may be written in either of W&B's styles."""
    root, _, path = field.partition(".")
    snake = "".join(f"_{one.lower()}" if one.isupper() else one for one in root)
    for name in (root, snake):
        if name in facts:
            found = dig(facts[name], path.split(".")) if path else facts[name]
            if found is MISSING and path.endswith(".value"):  # W&B's config has one in each key
                found = dig(facts[name], path.split(".")[:-1])
            return found
    raise InvalidInput(
        f"{quoted(shortened(field, 60))} cannot be asked for here",
        f"Fields: {', '.join(facts)}.",
    )


def _rank(value: Value) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 1, value, ""
    return (2, 0, value) if isinstance(value, str) else (0, 0, "")
