"""The team's past: whole, the same each time, and with one of everything in it."""

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

import firetower
from demo.data import NOW, contents, filled
from firetower.core.actions import ActionType
from firetower.core.automations import Automation, Mode
from firetower.core.endpoints import EndpointKind
from firetower.core.events import EventType
from firetower.core.executions import Execution, SkipReason, Status
from firetower.core.references import ContainerReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope
from firetower.tower import Tower

SEEDS = tuple(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 20, 300))


def scope_kind(automation: Automation) -> str:
    match automation.definition.scope:
        case ContainerScope(container=container):
            return f"a {container.kind}"
        case CollectionScope():
            return "a collection"
        case CollectionsScope(glob=str()):
            return "a glob"
        case CollectionsScope(regex=regex) if regex is not None:
            return "a regex"
        case CollectionsScope():
            return "a type"


def outcome(execution: Execution) -> str:
    match execution.status, execution.detail:
        case Status.SKIPPED, _ if execution.skip_reason is SkipReason.ENDPOINT_DISABLED:
            return "skipped: disabled"
        case Status.SKIPPED, _:
            return f"skipped: {execution.skip_reason}"
        case Status.FAILED, detail if "gave up" in str(detail):
            return "failed: gave up"
        case Status.FAILED, detail if "410" in str(detail):
            return "failed: gone"
        case Status.FINISHED, _ if execution.attempts > 1:
            return "finished after a retry"
        case status, _:
            return str(status)


OUTCOMES = {
    "finished",
    "finished after a retry",
    "failed: gave up",
    "failed: gone",
    "skipped: cooldown",
    "skipped: shadow",
    "skipped: disabled",
    "pending",
}


def every_execution(tower: Tower) -> list[Execution]:
    return tower.executions.newest(100_000)


@pytest.mark.slow
def test_the_same_arguments_make_the_same_data(past: Path, tmp_path: Path) -> None:
    assert contents(filled(tmp_path / "tower.db")) == contents(past)


@pytest.mark.slow
def test_another_seed_makes_another_past(past: Path, tmp_path: Path) -> None:
    other = contents(filled(tmp_path / "tower.db", seed=8))
    assert other["events"] != contents(past)["events"]


def test_every_kind_of_scope_is_watched(tower: Tower) -> None:
    kinds = {scope_kind(automation) for automation in tower.automations.list()}
    assert kinds == {*("a registry", "a project", "a collection"), *("a glob", "a regex", "a type")}


def test_every_event_type_happened_and_is_watched(tower: Tower) -> None:
    happened = {event.type for event in tower.events.newest(100_000)}
    watched = {automation.definition.event_type for automation in tower.automations.list()}
    assert happened == set(EventType)
    assert watched == set(EventType)


def test_every_action_and_mode_is_there(tower: Tower) -> None:
    automations = tower.automations.list()
    assert {automation.definition.action.type for automation in automations} == set(ActionType)
    assert {automation.mode for automation in automations} == set(Mode) - {Mode.DELETED}
    assert any(automation.definition.cooldown for automation in automations)
    assert len(tower.automations.revisions("deploy-on-production")) == 2


def test_every_outcome_is_there(tower: Tower) -> None:
    executions = every_execution(tower)
    assert {outcome(execution) for execution in executions} == OUTCOMES
    assert {execution.status for execution in executions} == set(Status) - {Status.RUNNING}


@pytest.mark.parametrize("seed", SEEDS)
def test_other_seeds_have_everything_too(seed: int, tmp_path: Path) -> None:
    with firetower.connect(str(filled(tmp_path / "tower.db", seed=seed))) as tower:
        assert {outcome(execution) for execution in every_execution(tower)} == OUTCOMES
        assert {event.type for event in tower.events.newest(100_000)} == set(EventType)


def test_each_enabled_automation_has_fired(tower: Tower) -> None:
    fired = Counter(execution.automation for execution in every_execution(tower))
    acting = {one.name for one in tower.automations.list() if one.mode is not Mode.DISABLED}
    assert set(fired) == acting


def test_a_retry_is_due_within_a_minute(tower: Tower) -> None:
    pending = tower.executions.newest(100, status=Status.PENDING)
    dues = [one.next_attempt_at for one in pending if one.next_attempt_at is not None]
    assert len(dues) == len(pending)
    assert all(NOW < due < NOW + timedelta(minutes=1) for due in dues)


def test_the_past_ends_now_and_began_months_ago(tower: Tower) -> None:
    events = tower.events.newest(100_000)
    assert timedelta(0) < NOW - events[-1].recorded_at < timedelta(minutes=1)
    assert NOW - events[0].recorded_at > timedelta(days=100)
    assert [event.recorded_at for event in events] == sorted(event.recorded_at for event in events)
    busy = [event for event in events if 7 <= event.recorded_at.hour < 21]
    assert len(busy) > 0.9 * len(events)


def test_registries_are_full_enough_to_look_at(tower: Tower) -> None:
    for name in ("models", "datasets", "prompts"):
        container, collections = tower.container(ContainerReference.registry(name))
        assert 12 <= container.collections <= 20
        assert all(collection.versions for collection in collections)
    serving = [v for v in tower.versions("models/sign-detector") if "production" in v.aliases]
    assert serving[0].size > 1_000_000
    assert {"accuracy", "f1", "loss", "latency_ms", "framework", "dataset"} <= set(
        serving[0].metadata
    )


def test_endpoints_stand_as_their_history_says(tower: Tower) -> None:
    off = tower.endpoints.get("old-dashboard", EndpointKind.WEBHOOK)
    assert off.endpoint.disabled_reason == "the endpoint is gone (410)"
    assert off.missed > 1
    names = {one.name for one in tower.endpoints.list(EndpointKind.WEBHOOK)}
    assert names == {"ci-deploy", "eval-cluster", "audit-log", "pager", "old-dashboard"}
    assert [one.name for one in tower.endpoints.list(EndpointKind.SLACK)] == ["ml-alerts"]


def test_no_secret_stands_in_a_record(past: Path) -> None:
    from firetower.demo.endpoints import SECRETS, SLACK_PATH

    text = repr(contents(past))
    assert not [value for value in (*SECRETS.values(), SLACK_PATH) if value in text]


def test_tries_have_no_gaps_and_follow_each_other(tower: Tower) -> None:
    for execution in every_execution(tower):
        _, attempts = tower.executions.get(execution.id)
        assert [attempt.number for attempt in attempts] == list(range(1, execution.attempts + 1))
        times = [execution.event.recorded_at, *(attempt.started_at for attempt in attempts)]
        assert times == sorted(times)
        assert all(attempt.ended_at <= NOW for attempt in attempts)


def test_the_database_is_sound(past: Path) -> None:
    with closing(sqlite3.connect(past)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        left = connection.execute("SELECT count(*) FROM events WHERE NOT evaluated").fetchone()
        assert left == (0,)
