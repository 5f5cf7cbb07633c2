"""What SQL decides of a backtest is what a filter decides, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from core.strategies import OPERATORS
from firetower.core.automations import Definition
from firetower.core.errors import Cancelled, InvalidInput
from firetower.core.events import Event, EventType
from firetower.core.filters import Filter
from firetower.core.json import dump
from firetower.core.references import ContainerReference
from firetower.core.scopes import CollectionsScope, ContainerScope
from firetower.store import schema
from firetower.store.backtest import judge, pieces
from firetower.store.backtest.read import read_matching
from firetower.store.store import Store
from store.awkward import EXTREMES, NUMBERS, TEXTS, columns, filters, metadata, predicates
from store.bench import START, Bench

PROJECT = ContainerReference.project("acme/vision")
BEGAN = START - timedelta(hours=1)


@pytest.fixture
def bench(store: Store) -> Bench:
    bench = Bench(store)
    for collection, type_ in (("resnet", "model"), ("coco", "dataset"), ("vit", "model")):
        for number in range(3):
            uri = f"s3://{collection}/{number}"
            bench.tower.log(f"acme/vision/{collection}", type=type_, references=[uri])
    return bench


def draft(filter_: dict[str, Any], **more: Any) -> Definition:
    given: dict[str, Any] = {
        "name": "draft",
        "scope": ContainerScope(container=PROJECT),
        "event_type": EventType.ADD_ARTIFACT_ALIAS,
        "action": {"type": "NO_OP"},
        "filter": Filter.of(filter_),
        **more,
    }
    return Definition.model_validate(given)


def happened(bench: Bench, definition: Definition) -> list[Event]:
    """What Python alone lets through."""
    return [
        event
        for event in bench.tower.events.newest(1_000)
        if event.type is definition.event_type
        and definition.scope.covers(event.collection, event.artifact_type)
        and definition.filter.holds(event)
    ]


def read(bench: Bench, definition: Definition) -> list[int]:
    with bench.store.reading() as reader:
        found = read_matching(reader.connection, definition, BEGAN, bench.now)
        return [event_id for event_id, _, _ in found]


def rewrite(bench: Bench, documents: list[dict[str, Any]], words: list[str]) -> None:
    """Give versions other metadata, and events other aliases and authors."""
    versions, events = schema.versions.c, schema.events.c
    with bench.store.changing() as change:
        for number, document in enumerate(documents, 1):
            change.connection.execute(
                update(schema.versions)
                .where(versions.id == number)
                .values(metadata_json=dump(document))
            )
            word = words[number % len(words)]
            change.connection.execute(
                update(schema.events)
                .where(events.version_id == number, events.alias.is_not(None))
                .values(alias=word, author=word)
            )


@given(
    documents=st.lists(metadata, min_size=1, max_size=10),
    words=st.lists(columns, min_size=1, max_size=10),
    filter_=filters,
    many=st.sampled_from([1, judge.MANY]),
    piece=st.sampled_from([2, 1_000]),
)
def test_sql_and_python_together_let_through_what_python_alone_does(
    bench: Bench,
    documents: list[dict[str, Any]],
    words: list[str],
    filter_: dict[str, Any],
    many: int,
    piece: int,
) -> None:
    rewrite(bench, documents, words)
    definition = draft(filter_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("firetower.store.backtest.read.MANY", many)
        patch.setattr(pieces, "_PIECE", piece)
        assert read(bench, definition) == [event.id for event in happened(bench, definition)]


@given(document=metadata, filter_=predicates)
def test_one_predicate_on_one_version(
    bench: Bench, document: dict[str, Any], filter_: dict[str, Any]
) -> None:
    rewrite(bench, [document] * 10, ["a"])
    definition = draft(filter_)
    assert read(bench, definition) == [event.id for event in happened(bench, definition)]


SCALARS: list[Any] = [None, True, False, *TEXTS, *NUMBERS, *EXTREMES]
VALUES = [*SCALARS, *([one] for one in SCALARS), [], {}, {"b": 1}, [[1], {"b": 1}], ["b", 2, None]]
NESTED: list[dict[str, Any]] = [
    {"b": inner}
    for inner in ([1, 2], [{"c": 1}], {"c": 1}, {"c": {"d": 1}}, {"c.d": 1}, {"0": 1}, 1, None)
]
NESTED += [{"b.c": 1, **one} for one in NESTED] + [{"b.c.d": 1, **one} for one in NESTED]


def conditions(operands: list[Any]) -> Iterator[dict[str, Any]]:
    """Every operator with every operand that it takes."""
    for operator in OPERATORS:
        for operand in operands:
            given = [operand] if operator in {"$in", "$nin", "$all"} else operand
            with suppress(InvalidInput):
                Filter.of({"metadata.a": {operator: given}})
                yield {operator: given}


@pytest.mark.parametrize(
    ("paths", "documents", "operands"),
    [
        (["a"], [{"a": value} for value in VALUES] + [{}], SCALARS + VALUES[-5:]),
        (["b.c", "b.0", "b.c.d", "b.c.0"], NESTED, [1, None, True]),
    ],
    ids=["values", "paths"],
)
@pytest.mark.slow
def test_each_operator_holds_for_the_same_values_in_sql(
    bench: Bench, paths: list[str], documents: list[dict[str, Any]], operands: list[Any]
) -> None:
    collection = "acme/vision/values"
    bench.tower.log_many(
        {"collection": collection, "type": "model", "metadata": one, "references": [f"s3://b/{n}"]}
        for n, one in enumerate(documents)
    )
    events = [
        event
        for event in bench.tower.events.newest(1_000)
        if event.type is EventType.CREATE_ARTIFACT and str(event.collection) == collection
    ]
    assert len(events) == len(documents)
    scope = CollectionsScope(container=PROJECT, glob="values")
    for path in paths:
        for condition in conditions(operands):
            definition = draft(
                {f"metadata.{path}": condition}, scope=scope, event_type=EventType.CREATE_ARTIFACT
            )
            held = [event.id for event in events if definition.filter.holds(event)]
            assert read(bench, definition) == held, (path, condition)


@pytest.mark.parametrize(
    ("document", "filter_"),
    [
        ({"a": 0.9}, {"metadata.a": {"$gt": 0.5}}),
        ({"a": 40}, {"metadata.a": 40}),
        ({"a": "torch"}, {"metadata.a": {"$contains": "orc"}}),
        ({"a": {"b": True}}, {"metadata.a.b": True}),
        ({"a": None}, {"metadata.a": {"$exists": True}}),
        ({"a": 1}, {"$or": [{"metadata.a": {"$in": [1, 2]}}, {"metadata.b": "x"}]}),
        ({}, {"metadata.a": {"$ne": 1}}),
        ({}, {"author": "ada", "alias": {"$regex": "^l"}}),
    ],
)
def test_plain_conditions_are_decided_by_sql_alone(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    document: dict[str, Any],
    filter_: dict[str, Any],
) -> None:
    rewrite(bench, [document] * 10, ["latest"])
    with bench.store.changing() as change:
        change.connection.execute(update(schema.events).values(author="ada"))

    def refuse(*_: object) -> None:
        raise AssertionError("an event was tested in Python")

    monkeypatch.setattr("firetower.store.backtest.read._subject", refuse)
    assert len(read(bench, draft(filter_))) == 10


@pytest.mark.parametrize(
    "filter_",
    [
        {"$or": [{"metadata.a": number} for number in range(200)]},
        {"metadata.a": {"$in": list(range(5_000))}},
        {"$and": [{"$or": [{"metadata.a": {"$in": list(range(30))}}] * 6}] * 6},
    ],
)
def test_a_filter_may_be_larger_than_a_query(bench: Bench, filter_: dict[str, Any]) -> None:
    rewrite(bench, [{"a": 1}, {"a": 7_000}], ["a"])
    definition = draft(filter_)
    assert read(bench, definition) == [event.id for event in happened(bench, definition)] != []


def test_deep_nesting_is_no_trouble(bench: Bench) -> None:
    rewrite(bench, [{"a": 1}], ["a"])
    filter_: dict[str, Any] = {"metadata.a": 1, "alias": "a"}
    for _ in range(30):
        filter_ = {"$nor": [filter_, {"metadata.a": "never"}]}
    definition = draft(filter_)
    assert read(bench, definition) == [event.id for event in happened(bench, definition)]


def test_a_scope_of_some_collections_is_asked_by_collection_and_type(bench: Bench) -> None:
    scope = CollectionsScope(container=PROJECT, artifact_type="model")
    for filter_ in ({}, {"collection": "vit"}, {"artifact_type": "dataset"}):
        definition = draft(filter_, scope=scope)
        assert read(bench, definition) == [event.id for event in happened(bench, definition)]


def wanted_times(count: int) -> Callable[[], bool]:
    answers = iter([True] * count)
    return lambda: next(answers, False)


@pytest.mark.parametrize("filter_", [{}, {"metadata.a": 1}, {"alias": {"$regex": "^never"}}])
def test_it_is_given_up_between_pieces_also_while_nothing_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, filter_: dict[str, Any]
) -> None:
    monkeypatch.setattr(pieces, "_PIECE", 2)
    automations = bench.tower.automations
    with pytest.raises(Cancelled):
        automations.backtest(draft(filter_), BEGAN, wanted=wanted_times(3))
    automations.backtest(draft(filter_), BEGAN, wanted=wanted_times(1_000))


def test_the_newest_are_told_whole(bench: Bench) -> None:
    rewrite(bench, [{"a": 1}] * 10, ["latest"])
    definition = draft({"metadata.a": 1})
    result = bench.tower.automations.backtest(definition, BEGAN)
    assert list(result.newest) == happened(bench, definition)[::-1]
