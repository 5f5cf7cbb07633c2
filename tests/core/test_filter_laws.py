import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import make_event
from core.strategies import conditions, events, filters, scalars, values
from firetower.core.events import Event
from firetower.core.filters import Filter, Trace


def holds(source: dict[str, Any], event: Event) -> bool:
    return Filter.of(source).holds(event)


@given(filters, events)
def test_the_trace_of_a_filter_agrees_with_the_filter(source: dict[str, Any], event: Event) -> None:
    filter_ = Filter.of(source)
    trace = filter_.trace(event)
    assert trace.held is filter_.holds(event)
    assert trace.expected == filter_.words
    json.dumps(trace.as_data(), allow_nan=False)


@given(filters, events)
def test_first_failure_exists_exactly_when_a_filter_does_not_hold(
    source: dict[str, Any], event: Event
) -> None:
    trace = Filter.of(source).trace(event)
    failure = trace.first_failure()
    assert (failure is None) is trace.held
    assert failure is None or not failure.held


@given(filters, events)
def test_not_turns_a_filter_round(source: dict[str, Any], event: Event) -> None:
    assert holds({"$not": source}, event) is not holds(source, event)


@given(st.lists(filters, max_size=3), events)
def test_nor_is_not_or(sources: list[dict[str, Any]], event: Event) -> None:
    assert holds({"$nor": sources}, event) is not holds({"$or": sources}, event)


@given(st.lists(filters, max_size=3), events)
def test_and_is_none_that_fails(sources: list[dict[str, Any]], event: Event) -> None:
    negated = [{"$not": source} for source in sources]
    assert holds({"$and": sources}, event) is holds({"$nor": negated}, event)
    assert holds({"$and": sources}, event) is all(holds(source, event) for source in sources)


@given(conditions(), events)
def test_not_means_the_same_inside_a_field_and_outside(
    condition: dict[str, Any], event: Event
) -> None:
    for field in ("alias", "metadata.a", "metadata.list"):
        inside = holds({field: {"$not": condition}}, event)
        assert inside is holds({"$not": {field: condition}}, event)


@given(values, st.lists(values, max_size=3), events)
def test_the_negative_operators_turn_the_positive_ones_round(
    value: Any, several: list[Any], event: Event
) -> None:
    for field in ("alias", "metadata.a", "metadata.list"):
        equal = holds({field: {"$eq": value}}, event)
        assert holds({field: {"$ne": value}}, event) is not equal
        assert holds({field: {"$in": [value]}}, event) is equal
        one_of = holds({field: {"$in": several}}, event)
        assert holds({field: {"$nin": several}}, event) is not one_of
        assert one_of is any(holds({field: {"$eq": item}}, event) for item in several)


@given(st.integers(-3, 3) | st.text(max_size=2), scalars)
def test_an_order_has_exactly_one_side_for_values_of_one_type(operand: Any, value: Any) -> None:
    event = make_event(metadata={"a": value})
    sides = [holds({"metadata.a": {sign: operand}}, event) for sign in ("$lt", "$eq", "$gt")]
    same_type = isinstance(value, str) if isinstance(operand, str) else type(value) in {int, float}
    assert sum(sides) == same_type


@given(filters)
def test_a_filter_survives_being_stored_as_json(source: dict[str, Any]) -> None:
    filter_ = Filter.of(source)
    stored = Filter.model_validate_json(filter_.model_dump_json())
    assert stored == filter_
    assert json.dumps(stored.source) == json.dumps(filter_.source)
    assert Filter.parse(json.dumps(source)) == filter_


@given(filters, events)
def test_the_form_that_wandb_stores_means_the_same(source: dict[str, Any], event: Event) -> None:
    filter_ = Filter.of(source)
    wrapped = filter_.as_wandb()
    assert list(wrapped) == ["$or"]
    assert holds(wrapped, event) is filter_.holds(event)
    assert Filter.of(wrapped).as_wandb() == wrapped


@given(filters)
def test_the_words_of_a_filter_stand_on_one_printable_line(source: dict[str, Any]) -> None:
    assert Filter.of(source).words.isprintable()


FAILURES = [
    ({"alias": "production", "author": "bob"}, "author = bob", "ada"),
    ({"$or": [{"$and": [{"author": "ada"}, {"alias": "a"}]}]}, "alias = a", "production"),
    ({"$not": {"alias": "production"}}, "not (alias = production)", "production"),
]


@pytest.mark.parametrize(("source", "expected", "actual"), FAILURES, ids=[f[1] for f in FAILURES])
def test_the_first_failure_says_what_was_expected_and_found(
    source: dict[str, Any], expected: str, actual: str
) -> None:
    failure = Filter.of(source).trace(make_event()).first_failure()
    assert failure == Trace(expected, held=False, actual=actual)


def test_the_failure_of_a_choice_is_the_choice() -> None:
    failure = Filter.of({"$or": [{"alias": "a"}, {"alias": "b"}]}).trace(make_event())
    first = failure.first_failure()
    assert first is not None
    assert first.expected == "alias = a or alias = b"
    assert [part.actual for part in first.parts] == ["production", "production"]


def test_a_trace_tells_a_missing_value_from_null() -> None:
    filter_ = Filter.of({"metadata.f1": {"$gt": 0.9}})
    absent = filter_.trace(make_event()).as_data()
    null = filter_.trace(make_event(metadata={"f1": None})).as_data()
    assert absent == {
        "expected": "metadata.f1 > 0.9",
        "held": False,
        "missing": True,
        "actual": None,
    }
    assert null == {**absent, "missing": False}
