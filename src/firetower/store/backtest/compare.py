"""What SQL says of a value by each operator of a filter."""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt
from typing import Any, TypeAlias

from pydantic import JsonValue
from sqlalchemy import case, func, literal

from firetower.core.filters.nodes import Predicate
from firetower.core.filters.patterns import required_start
from firetower.store.backtest.values import Found
from firetower.store.backtest.verdicts import DOUBT, NO, YES, Logic, Verdict, when

_EXACT = 2**53
"""Up to here whole numbers and floats are compared alike in Python and in the databases."""
_BAND = 1e-9
"""How near to each other floats are in doubt, relative: SQLite reads the last digits its way."""


def compare(logic: Logic, predicate: Predicate, found: Found) -> Verdict:
    """Return what a predicate says of the value that is found in a row."""
    rule = _RULES.get(predicate.operator)
    return DOUBT if rule is None else rule(logic, found, predicate.operand)


def _equals(logic: Logic, found: Found, operand: JsonValue) -> Verdict:
    match operand:
        case None:
            return logic.any([when(found.kind.is_(None)), _by_kind(found, null=YES)])
        case True:
            return _by_kind(found, true=YES)
        case False:
            return _by_kind(found, false=YES)
        case list() | dict():
            return _by_kind(found, object=DOUBT)
    return _ordered(found, eq, operand)


def _differs(logic: Logic, found: Found, operand: JsonValue) -> Verdict:
    return logic.negated(_equals(logic, found, operand))


def _in(logic: Logic, found: Found, operand: JsonValue) -> Verdict:
    return logic.any(_equal_to_each(logic, found, operand))


def _not_in(logic: Logic, found: Found, operand: JsonValue) -> Verdict:
    return logic.negated(_in(logic, found, operand))


def _has_all(logic: Logic, found: Found, operand: JsonValue) -> Verdict:
    each = _equal_to_each(logic, found, operand)
    return logic.all(each) if each else NO


def _equal_to_each(logic: Logic, found: Found, operand: JsonValue) -> list[Verdict]:
    assert isinstance(operand, list)
    return [_equals(logic, found, item) for item in operand]


def _exists(_: Logic, found: Found, operand: JsonValue) -> Verdict:
    return when(found.kind.is_not(None) if operand else found.kind.is_(None))


def _contains(_: Logic, found: Found, operand: JsonValue) -> Verdict:
    assert isinstance(operand, str)
    holds = when(found.position(operand) > 0) if _can_be_sent(operand) else DOUBT
    return _by_kind(found, text=holds)


def _matches(_: Logic, found: Found, operand: JsonValue) -> Verdict:
    """Doubt what begins as a regex asks: the rest is Python's to tell."""
    assert isinstance(operand, str)
    start = required_start(operand)
    if not start or not _can_be_sent(start):
        return _by_kind(found, text=DOUBT)
    begins = func.substr(found.text, 1, len(start)) == literal(start)
    return _by_kind(found, text=case((begins, DOUBT), else_=NO))


def _has_size(_: Logic, found: Found, operand: JsonValue) -> Verdict:  # noqa: ARG001
    return _by_kind(found)


def _orders(holds: Callable[[Any, Any], Any]) -> "Rule":
    return lambda _, found, operand: _ordered(found, holds, operand)


def _by_kind(found: Found, **verdicts: Verdict) -> Verdict:
    """Return the verdict on each kind of value, NO on others; one item of a list may do as well."""
    return case({"array": DOUBT, **verdicts}, value=found.kind, else_=NO)


def _ordered(found: Found, holds: Callable[[Any, Any], Any], operand: JsonValue) -> Verdict:
    """Compare with a number or a text; values of other kinds are neither equal nor ordered."""
    if isinstance(operand, str):
        if not _can_be_sent(operand):
            return _by_kind(found, text=DOUBT)
        return _by_kind(found, text=when(holds(found.text, literal(operand))))
    assert isinstance(operand, int | float)
    if abs(operand) > _EXACT:
        return _by_kind(found, integer=DOUBT, real=DOUBT)
    exactly = when(holds(found.number, found.number_of(operand)))
    width = max(abs(operand) * _BAND, 1e-300)
    near = found.number.between(found.number_of(operand - width), found.number_of(operand + width))
    return _by_kind(found, integer=exactly, real=case((near, DOUBT), else_=exactly))


def _can_be_sent(text: str) -> bool:
    """Return whether a text can be a parameter: a NUL and half a surrogate pair cannot."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


Rule: TypeAlias = Callable[[Logic, Found, JsonValue], Verdict]

_RULES: Mapping[str, Rule] = {
    "$eq": _equals,
    "$ne": _differs,
    "$gt": _orders(gt),
    "$gte": _orders(ge),
    "$lt": _orders(lt),
    "$lte": _orders(le),
    "$in": _in,
    "$nin": _not_in,
    "$exists": _exists,
    "$regex": _matches,
    "$contains": _contains,
    "$size": _has_size,
    "$all": _has_all,
}
