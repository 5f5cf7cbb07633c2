"""The operators of a filter's predicates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.filters.fields import MISSING, Value
from firetower.core.filters.patterns import Pattern
from firetower.core.text import quoted, shortened

Test: TypeAlias = Callable[[Value], bool]


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: how it reads, and how its operand becomes a test."""

    name: str
    sign: str
    build: Callable[[JsonValue], Test]


def same(left: Value, right: JsonValue) -> bool:
    """Return whether two JSON values are equal; true and 1 are not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right


def _each(test: Test) -> Test:
    """Let a list satisfy a test as a whole or by one of its items."""
    return lambda value: test(value) or (isinstance(value, list) and any(map(test, value)))


def _each_text(test: Callable[[str], bool]) -> Test:
    """Test texts only, one or each of a list's: `_each` without its cost for what is no list."""

    def of(value: Value) -> bool:
        if isinstance(value, str):
            return test(value)
        return isinstance(value, list) and any(
            isinstance(item, str) and test(item) for item in value
        )

    return of


def _not(test: Test) -> Test:
    return lambda value: not test(value)


def _equals(operand: JsonValue) -> Test:
    if operand is None:
        return _each(lambda value: value is None or value is MISSING)
    return _each(lambda value: same(value, operand))


def _compares(name: str, holds: Callable[[float | str, float | str], bool]) -> Operator:
    signs = {"$gt": ">", "$gte": "≥", "$lt": "<", "$lte": "≤"}

    def build(operand: JsonValue) -> Test:
        kind = _ordered_kind(operand)
        if kind is None:
            raise _wrong_operand(name, "a number or a string", operand)

        def test(value: Value) -> bool:
            return (
                _ordered_kind(value) is kind
                and isinstance(value, int | float | str)
                and isinstance(operand, int | float | str)
                and holds(value, operand)
            )

        return _each(test)

    return Operator(name, signs[name], build)


def _ordered_kind(value: Value) -> type | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float
    return str if isinstance(value, str) else None


def _items(name: str, operand: JsonValue) -> list[JsonValue]:
    if not isinstance(operand, list):
        raise _wrong_operand(name, "a list", operand)
    return operand


def _in(operand: JsonValue) -> Test:
    tests = [_equals(item) for item in _items("$in", operand)]
    return lambda value: any(test(value) for test in tests)


def _not_in(operand: JsonValue) -> Test:
    tests = [_equals(item) for item in _items("$nin", operand)]
    return lambda value: not any(test(value) for test in tests)


def _all(operand: JsonValue) -> Test:
    tests = [_equals(item) for item in _items("$all", operand)]
    return lambda value: bool(tests) and all(test(value) for test in tests)


def _exists(operand: JsonValue) -> Test:
    if not isinstance(operand, bool):
        raise _wrong_operand("$exists", "true or false", operand)
    return lambda value: (value is not MISSING) is operand


def _regex(operand: JsonValue) -> Test:
    if not isinstance(operand, str):
        raise _wrong_operand("$regex", "a string", operand)
    return _each_text(Pattern(operand).search)


def _contains(operand: JsonValue) -> Test:
    if not isinstance(operand, str):
        raise _wrong_operand("$contains", "a string", operand)
    return _each_text(lambda text: operand in text)


def _size(operand: JsonValue) -> Test:
    if isinstance(operand, bool) or not isinstance(operand, int):
        raise _wrong_operand("$size", "a whole number", operand)
    return lambda value: isinstance(value, list) and len(value) == operand


def _wrong_operand(name: str, wanted: str, operand: JsonValue) -> InvalidInput:
    return InvalidInput(
        f"{name} takes {wanted}, not {shortened(quoted(operand), 60)}",
        f'Write it as {{"FIELD": {{"{name}": …}}}}.',
    )


OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("$eq", "=", _equals),
        Operator("$ne", "≠", lambda operand: _not(_equals(operand))),
        _compares("$gt", lambda value, operand: value > operand),  # type: ignore[operator]
        _compares("$gte", lambda value, operand: value >= operand),  # type: ignore[operator]
        _compares("$lt", lambda value, operand: value < operand),  # type: ignore[operator]
        _compares("$lte", lambda value, operand: value <= operand),  # type: ignore[operator]
        Operator("$in", "in", _in),
        Operator("$nin", "not in", _not_in),
        Operator("$exists", "exists", _exists),
        Operator("$regex", "~", _regex),
        Operator("$contains", "contains", _contains),
        Operator("$size", "has size", _size),
        Operator("$all", "has all of", _all),
    )
}
