"""Reading W&B's filter JSON."""

from collections.abc import Iterable

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.filters.nodes import Combination, Node, Not, Predicate
from firetower.core.filters.operators import OPERATORS
from firetower.core.text import quoted, shortened, suggest

MAX_NESTING = 32

_COMBINATIONS = ("$and", "$or", "$nor", "$not")


def parse_node(source: JsonValue, depth: int = 0) -> Node:
    """Read an object of conditions. Raises InvalidInput."""
    if depth > MAX_NESTING:
        raise InvalidInput(
            f"the filter is nested deeper than {MAX_NESTING} levels", "Write it with fewer levels."
        )
    if not isinstance(source, dict):
        raise InvalidInput(
            f"a filter's condition is an object, not {shortened(quoted(source), 60)}",
            'Write it as {"alias": {"$eq": "prod"}}.',
        )
    return _joined(_entry(key, operand, depth) for key, operand in source.items())


def _entry(key: str, operand: JsonValue, depth: int) -> Node:
    match key:
        case "$and":
            return _joined(_nodes(key, operand, depth))
        case "$or":
            parts = _nodes(key, operand, depth)
            return parts[0] if len(parts) == 1 else Combination(parts, every=False)
        case "$nor":
            return Not(Combination(_nodes(key, operand, depth), every=False))
        case "$not":
            return Not(parse_node(operand, depth + 1))
    if key.startswith("$"):
        raise _unknown_operator(key)
    return _conditions(key, operand, depth)


def _nodes(key: str, operand: JsonValue, depth: int) -> tuple[Node, ...]:
    if not isinstance(operand, list):
        raise InvalidInput(
            f"{key} takes a list of conditions, not {shortened(quoted(operand), 60)}",
            f'Write it as {{"{key}": [{{…}}, {{…}}]}}.',
        )
    return tuple(parse_node(part, depth + 1) for part in operand)


def _conditions(field: str, operand: JsonValue, depth: int) -> Node:
    """Read the conditions on a field: operators, or a bare value that means `$eq`."""
    is_operators = isinstance(operand, dict) and any(key.startswith("$") for key in operand)
    if not isinstance(operand, dict) or not is_operators:
        return Predicate(field, "$eq", operand)
    return _joined(_condition(field, name, value, depth) for name, value in operand.items())


def _condition(field: str, name: str, operand: JsonValue, depth: int) -> Node:
    if name == "$not":
        if depth > MAX_NESTING:
            return parse_node(operand, depth)
        return Not(_conditions(field, operand, depth + 1))
    if name not in OPERATORS:
        raise _unknown_operator(name)
    return Predicate(field, name, operand)


def _joined(nodes: Iterable[Node]) -> Node:
    parts = tuple(nodes)
    return parts[0] if len(parts) == 1 else Combination(parts, every=True)


def _unknown_operator(name: str) -> InvalidInput:
    known = (*_COMBINATIONS, *OPERATORS)
    return InvalidInput(
        f"a filter has no operator {quoted(shortened(name, 40))}",
        suggest(name, known, f"Operators: {' '.join(known)}."),
    )
