"""Explanations and backtests over what a database holds, on both databases."""

from datetime import timedelta

import pytest

from firetower.core.automations import Definition, Mode
from firetower.core.errors import Cancelled, NotFound
from firetower.core.events import EventType
from firetower.core.explanation import Explanation, Finding, Nearness, Stop
from firetower.core.filters import Filter
from firetower.core.references import ContainerReference
from firetower.core.scopes import CollectionsScope, ContainerScope
from firetower.store.store import Store
from store.bench import START, Bench

PROJECT = ContainerReference.project("acme/vision")
PROD = Filter.parse('{"alias": {"$regex": "^prod"}}')


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def newest(bench: Bench) -> Explanation:
    [event] = bench.tower.events.newest(1)
    return bench.tower.explain.event(event.id)


def finding(explanation: Explanation, name: str) -> Finding:
    return next(one for one in explanation.findings if one.revision.definition.name == name)


def test_an_alias_in_the_project_is_told_apart_from_the_registrys(bench: Bench) -> None:
    bench.automate(filter=PROD)
    bench.tower.add_alias("acme/vision/resnet:v0", "production")
    found = finding(newest(bench), "deploy")
    assert (found.nearness, found.stop) == (Nearness.LINKED, Stop.SCOPE)
    assert "acme/vision/resnet:v0, which is there as models/resnet:v0" in found.words


def test_what_fired_names_its_execution(bench: Bench) -> None:
    bench.automate(records=True)
    bench.tower.add_alias(bench.version, "production")
    before = newest(bench)
    assert not before.evaluated
    assert "as soon as a worker" in finding(before, "deploy").words
    bench.turn()
    after = newest(bench)
    assert after.evaluated
    assert finding(after, "deploy").execution == bench.only


def test_explain_counts_automations_elsewhere_but_not_deleted_ones(bench: Bench) -> None:
    bench.tower.create_registry("prompts")
    bench.automate(
        "far", records=True, scope=ContainerScope(container=ContainerReference.registry("prompts"))
    )
    bench.automate("gone", records=True)
    bench.tower.automations.delete("gone")
    bench.tower.add_alias(bench.version, "production")
    explanation = newest(bench)
    assert explanation.findings == ()
    assert explanation.elsewhere == 1


def test_explain_lists_nearer_scopes_before_wider_ones(
    bench: Bench,
) -> None:
    bench.tower.create_project("other/speech")
    for name, container in (
        ("all", ContainerReference.organization()),
        ("acme", ContainerReference.entity_named("acme")),
        ("speech", ContainerReference.entity_named("other")),
        ("vision", PROJECT),
    ):
        bench.automate(name, records=True, scope=ContainerScope(container=container))
    bench.tower.add_alias("acme/vision/resnet:v0", "production")
    bench.turn()
    explanation = newest(bench)
    names = [one.revision.definition.name for one in explanation.findings]
    assert names == ["vision", "acme", "all"]
    assert {one.reason for one in explanation.findings} == {"fired"}
    assert explanation.elsewhere == 1
    groups = bench.tower.explain.automation("acme")
    assert (groups[0].reason, groups[0].count) == ("fired", 1)


def test_an_event_is_explained_by_the_automation_of_its_time(bench: Bench) -> None:
    bench.automate(records=True, filter=PROD)
    bench.tower.add_alias(bench.version, "staging")
    bench.turn()
    bench.tower.automations.set_mode("deploy", Mode.DISABLED)
    found = finding(newest(bench), "deploy")
    assert (found.stop, found.revision.number) == (Stop.FILTER, 1)


def test_explain_automation_covers_events_in_and_near_its_scope(bench: Bench) -> None:
    bench.tower.add_alias(bench.version, "before")
    bench.automate(records=True, filter=PROD)
    for alias in ("staging", "canary", "production"):
        bench.tower.add_alias(bench.version, alias)
    bench.tower.add_alias("acme/vision/resnet:v0", "production")
    bench.tower.add_tag(bench.version, "eu")
    bench.turn()
    groups = bench.tower.explain.automation("deploy")
    counts = {group.reason: group.count for group in groups}
    assert counts["fired"] == 1
    assert counts["the filter"] == 2
    assert counts["saved later"] == 2  # latest, when it was linked, and before
    assert counts["another scope"] == 2  # latest, when it was logged, and production
    assert counts["another event"] >= 2
    assert groups[0].reason == "fired"
    example = next(group for group in groups if group.reason == "the filter")
    assert example.event.alias == "canary"


def test_it_looks_back_no_further_than_asked(bench: Bench) -> None:
    bench.automate(records=True)
    bench.tower.add_alias(bench.version, "old")
    bench.now += timedelta(days=2)
    bench.tower.add_alias(bench.version, "new")
    bench.turn()
    groups = bench.tower.explain.automation("deploy", since=START + timedelta(days=1))
    assert [(group.reason, group.count) for group in groups] == [("fired", 1)]


def test_what_is_not_there_is_not_explained(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.tower.explain.event(999)
    with pytest.raises(NotFound):
        bench.tower.explain.automation("nobody")


def draft(**more: object) -> Definition:
    given = {
        "name": "draft",
        "scope": ContainerScope(container=ContainerReference.registry("models")),
        "event_type": EventType.ADD_ARTIFACT_ALIAS,
        "action": {"type": "NO_OP"},
        **more,
    }
    return Definition.model_validate(given)


def test_a_backtest_counts_shows_when_and_holds_by_the_cooldown(bench: Bench) -> None:
    for minutes, alias in ((0, "production"), (1, "prod-eu"), (30, "prod-us"), (31, "staging")):
        bench.now = START + timedelta(minutes=minutes)
        bench.tower.add_alias(bench.version, alias)
    bench.now = START + timedelta(minutes=60)
    result = bench.tower.automations.backtest(
        draft(filter=PROD, cooldown=timedelta(minutes=10)), START - timedelta(hours=1)
    )
    assert (result.fired, result.skipped) == (2, 1)
    assert [event.alias for event in result.newest] == ["prod-us", "production"]
    assert sum(result.bars) == 2
    assert len(result.sparkline) == len(result.bars)


def test_a_backtest_covers_the_collections_that_the_scope_matches(bench: Bench) -> None:
    bench.tower.log("acme/vision/coco", type="dataset", empty=True)
    result = bench.tower.automations.backtest(
        draft(
            scope=CollectionsScope(container=PROJECT, artifact_type="dataset"),
            event_type=EventType.CREATE_ARTIFACT,
        ),
        START - timedelta(hours=1),
    )
    assert [event.subject for event in result.newest] == ["acme/vision/coco:v0"]


def test_a_backtest_that_is_not_wanted_any_more_ends(bench: Bench) -> None:
    bench.tower.add_alias(bench.version, "production")
    with pytest.raises(Cancelled):
        bench.tower.automations.backtest(draft(), START - timedelta(hours=1), wanted=lambda: False)
