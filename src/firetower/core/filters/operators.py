"""The operators of a filter's predicates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, TypeAlias, TypeVar

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.filters.fields import MISSING, Value
from firetower.core.filters.patterns import Pattern
from firetower.core.text import quoted, shortened

T = TypeVar("T")
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
    return _each(lambda value: isinstance(value, str) and test(value))


def _not(test: Test) -> Test:
    return lambda value: not test(value)


def _equals(operand: JsonValue) -> Test:
    if operand is None:
        return _each(lambda value: value is None or value is MISSING)
    return _each(lambda value: same(value, operand))


def _compares(name: str, sign: str, holds: Callable[[Any, Any], bool]) -> Operator:
    def build(operand: JsonValue) -> Test:
        kind = _ordered_kind(operand)
        if kind is None:
            raise _wrong_operand(name, "a number or a string", operand)
        return _each(lambda value: _ordered_kind(value) is kind and holds(value, operand))

    return Operator(name, sign, build)


def _ordered_kind(value: Value) -> type | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float
    return str if isinstance(value, str) else None


def _in(operand: JsonValue, name: str = "$in") -> Test:
    tests = [_equals(item) for item in _checked(list, operand, name, "a list")]
    return lambda value: any(test(value) for test in tests)


def _all(operand: JsonValue) -> Test:
    tests = [_equals(item) for item in _checked(list, operand, "$all", "a list")]
    return lambda value: bool(tests) and all(test(value) for test in tests)


def _exists(operand: JsonValue) -> Test:
    wanted = _checked(bool, operand, "$exists", "true or false")
    return lambda value: (value is not MISSING) is wanted


def _regex(operand: JsonValue) -> Test:
    return _each_text(Pattern(_checked(str, operand, "$regex", "a string")).search)


def _contains(operand: JsonValue) -> Test:
    part = _checked(str, operand, "$contains", "a string")
    return _each_text(lambda text: part in text)


def _size(operand: JsonValue) -> Test:
    size = _checked(int, operand, "$size", "a whole number")
    return lambda value: isinstance(value, list) and len(value) == size


def _checked(type_: type[T], operand: JsonValue, name: str, wanted: str) -> T:
    """Return an operand of the wanted type; a bool is no number. Raises InvalidInput."""
    if isinstance(operand, type_) and (type_ is bool or not isinstance(operand, bool)):
        return operand
    raise _wrong_operand(name, wanted, operand)


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
        _compares("$gt", ">", gt),
        _compares("$gte", "≥", ge),
        _compares("$lt", "<", lt),
        _compares("$lte", "≤", le),
        Operator("$in", "in", _in),
        Operator("$nin", "not in", lambda operand: _not(_in(operand, "$nin"))),
        Operator("$exists", "exists", _exists),
        Operator("$regex", "~", _regex),
        Operator("$contains", "contains", _contains),
        Operator("$size", "has size", _size),
        Operator("$all", "has all of", _all),
    )
}
