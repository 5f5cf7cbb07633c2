"""Filters and orders of lists, as W&B's SDK writes them: Mongo's JSON, `name` or `-created_at`."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.filters.fields import MISSING, Value, dig
from firetower.core.filters.operators import OPERATORS
from firetower.core.json import MAX_DEPTH, parse
from firetower.core.text import quoted, shortened
from firetower.server.fields import Arguments

T = TypeVar("T")
Facts = Mapping[str, Value]
"""What can be asked of an item, by the names of fields."""


def select(
    items: Sequence[T],
    facts: Callable[[T], Facts],
    arguments: Arguments,
    filters: str = "filters",
    order: str = "order",
) -> list[T]:
    """Return the items that a field's filters let through, in its order. Raises InvalidInput."""
    kept = list(items)
    if text := arguments.optional_text(filters):
        condition = parse(text, filters)
        kept = [item for item in kept if holds(condition, facts(item))]
    if said := arguments.optional_text(order):
        field, _, direction = said.lstrip("+-").partition(" ")
        down = said.startswith("-") or direction.lower() == "desc"
        kept.sort(key=lambda item: _rank(_value(facts(item), field)), reverse=down)
    return kept


def holds(condition: JsonValue, facts: Facts, depth: int = 0) -> bool:
    """Return whether an item's facts satisfy a filter. Raises InvalidInput."""
    if condition is None:
        return True
    if not isinstance(condition, dict) or depth > MAX_DEPTH:
        raise _wrong(condition)
    return all(_entry_holds(key, operand, facts, depth) for key, operand in condition.items())


def _entry_holds(key: str, operand: JsonValue, facts: Facts, depth: int) -> bool:
    if key == "$not":
        return not holds(operand, facts, depth + 1)
    if key in {"$and", "$or", "$nor"}:
        if not isinstance(operand, list):
            raise _wrong(operand)
        each = [holds(part, facts, depth + 1) for part in operand]
        return all(each) if key == "$and" else any(each) is (key == "$or")
    if key.startswith("$"):
        raise _wrong(key)
    return _field_holds(_value(facts, key), operand)


def _field_holds(value: Value, operand: JsonValue) -> bool:
    if not isinstance(operand, dict) or not any(name.startswith("$") for name in operand):
        return OPERATORS["$eq"].build(operand)(value)
    for name, wanted in operand.items():
        if name == "$not":
            held = not _field_holds(value, wanted)
        elif name in OPERATORS:
            held = OPERATORS[name].build(wanted)(value)
        else:
            raise _wrong(name)
        if not held:
            return False
    return True


def _value(facts: Facts, field: str) -> Value:
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


def _wrong(found: JsonValue) -> InvalidInput:
    return InvalidInput(
        f"a filter cannot be read at {shortened(quoted(found), 60)}",
        'Write it as {"name": {"$regex": "^resnet"}}.',
    )
