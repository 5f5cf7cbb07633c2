"""A backtest finds what evaluation finds, on both databases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from firetower.core.automations import Definition
from firetower.core.backtest import Backtest
from firetower.core.errors import Cancelled
from firetower.core.events import Event, EventType
from firetower.core.filters import Filter
from firetower.core.json import dump
from firetower.core.references import CollectionReference, ContainerReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, covers
from firetower.store import backtest, events, schema
from firetower.store.store import Store
from store.awkward import columns, filters, metadata
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
        and covers(definition.scope, event)
        and definition.filter.holds(event)
    ]


def read(bench: Bench, definition: Definition) -> list[int]:
    """What a backtest finds, the oldest first."""
    result = bench.tower.automations.backtest(definition, BEGAN)
    assert result.fired == sum(result.bars) == len(result.newest)
    return [event.id for event in reversed(result.newest)]


def rewrite(bench: Bench, documents: list[dict[str, Any]], words: list[str]) -> None:
    """Give versions other metadata, and events other aliases and authors."""
    versions, rows = schema.versions.c, schema.events.c
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
                .where(rows.version_id == number, rows.alias.is_not(None))
                .values(alias=word, author=word)
            )


@given(
    documents=st.lists(metadata, min_size=1, max_size=10),
    words=st.lists(columns, min_size=1, max_size=10),
    filter_=filters,
    piece=st.sampled_from([2, 1_000]),
    long=st.sampled_from([len("{}") + 1, 10_000]),
)
def test_backtest_finds_what_evaluation_does(
    bench: Bench,
    documents: list[dict[str, Any]],
    words: list[str],
    filter_: dict[str, Any],
    piece: int,
    long: int,
) -> None:
    rewrite(bench, documents, words)
    definition = draft(filter_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backtest, "_EVENTS_AT_ONCE", piece)
        patch.setattr(events, "_LONG", long)
        assert read(bench, definition) == [event.id for event in happened(bench, definition)]


def test_backtest_of_collections_scope_tests_name_and_type(bench: Bench) -> None:
    scope = CollectionsScope(container=PROJECT, artifact_type="model")
    for filter_ in ({}, {"collection": "vit"}, {"artifact_type": "dataset"}):
        definition = draft(filter_, scope=scope)
        assert read(bench, definition) == [event.id for event in happened(bench, definition)]


def wanted_times(count: int) -> Callable[[], bool]:
    answers = iter([True] * count)
    return lambda: next(answers, False)


@pytest.mark.parametrize("filter_", [{}, {"metadata.a": 1}, {"alias": {"$regex": "^never"}}])
def test_backtest_not_wanted_ends_before_the_next_piece(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, filter_: dict[str, Any]
) -> None:
    monkeypatch.setattr(backtest, "_EVENTS_AT_ONCE", 2)
    automations = bench.tower.automations
    with pytest.raises(Cancelled):
        automations.backtest(draft(filter_), BEGAN, wanted=wanted_times(3))
    automations.backtest(draft(filter_), BEGAN, wanted=wanted_times(1_000))


def test_backtest_returns_the_newest_events_whole(bench: Bench) -> None:
    rewrite(bench, [{"a": 1}] * 10, ["latest"])
    definition = draft({"metadata.a": 1})
    result = bench.tower.automations.backtest(definition, BEGAN)
    assert list(result.newest) == happened(bench, definition)[::-1]


def test_backtest_of_registry_collection_reads_its_events_only(bench: Bench) -> None:
    for collection in ("resnet", "vit"):
        bench.tower.link(f"acme/vision/{collection}:v0", f"models/{collection}")
        bench.tower.add_alias(f"models/{collection}:v0", "production")
    for name, expected in (("vit", ["models/vit"]), ("never", [])):
        reference = CollectionReference.parse(f"models/{name}")
        definition = draft({"alias": "production"}, scope=CollectionScope(collection=reference))
        result = bench.tower.automations.backtest(definition, BEGAN)
        assert [str(event.collection) for event in result.newest] == expected


@pytest.mark.parametrize("cooldown", [None, timedelta(minutes=1)])
def test_backtest_progress_grows_up_to_the_result(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, cooldown: timedelta | None
) -> None:
    monkeypatch.setattr(backtest, "_EVENTS_AT_ONCE", 4)
    monkeypatch.setattr(backtest, "_INTERVAL", 0.0)
    monkeypatch.setattr(backtest, "_REST", 0)
    for minutes in range(5):
        bench.now = START + timedelta(minutes=minutes / 2)
        bench.tower.add_alias("acme/vision/vit:v0", f"a{minutes}")
    found: list[Backtest] = []
    definition = draft({}, cooldown=cooldown)
    result = bench.tower.automations.backtest(definition, BEGAN, progress=found.append)
    shares = [one.share for one in found]
    assert 0 < shares[0] < shares[-1] < 1 == result.share
    assert shares == sorted(shares)
    reached = [one.reached or BEGAN for one in found]
    assert reached == sorted(reached, reverse=True)
    matched = [one.fired + one.skipped for one in found]
    assert matched == sorted(matched)
    assert matched[0] < result.fired + result.skipped
    assert result.reached is None


def test_backtest_reads_ids_of_a_clock_set_back(bench: Bench) -> None:
    bench.now = START + timedelta(hours=2)
    bench.tower.add_alias("acme/vision/vit:v0", "before")
    bench.now = START + timedelta(hours=1)
    bench.tower.add_alias("acme/vision/vit:v0", "after")
    bench.now = START + timedelta(hours=3)
    since = START + timedelta(minutes=30)
    result = bench.tower.automations.backtest(draft({}), since)
    assert [event.alias for event in result.newest] == ["after", "before"]
