"""Runs, on both databases."""

import math
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from firetower.core.actions import NoAction
from firetower.core.errors import Conflict, InvalidInput, NotFound
from firetower.core.events import EventType
from firetower.core.points import MAX_STEP, Point
from firetower.core.references import ContainerReference
from firetower.core.run_changes import RunChanges
from firetower.core.runs import RunState, StateCondition
from firetower.core.scopes import ContainerScope
from firetower.store.runs import crash_overdue, start_run
from firetower.store.store import Store
from firetower.tower import Tower
from postgres import WAITING
from store.bench import START, Bench
from waiting import wait_until

TIMEOUT = timedelta(minutes=5)
VISION = ContainerReference.project("acme/vision")


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def states(tower: Tower) -> list[str]:
    """The states that events of runs named, in order."""
    return [one.run.status for one in tower.events.newest(1_000) if one.run is not None]


def crash(bench: Bench) -> list[str]:
    with bench.store.changing() as change:
        return [str(run) for run in crash_overdue(change, TIMEOUT)]


def test_a_crash_of_many_runs_holds_one_at_a_time(bench: Bench) -> None:
    for number in range(12):
        bench.tower.runs.start("acme/vision", id=f"r{number}", config={"text": "x" * 1_000_000})
    bench.now += 2 * TIMEOUT
    tracemalloc.start()
    assert len(crash(bench)) == 12
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12_000_000


def test_run_from_start_to_end(bench: Bench) -> None:
    runs = bench.tower.runs
    run = runs.start("beta/nlp", name="bert/base", config={"lr": 0.1}, tags=["a", "a", "b"])
    assert run.created
    assert len(run.id) == 8
    assert bench.tower.projects()[-1].reference == run.reference.project
    bench.now += timedelta(seconds=9)
    assert runs.log_metrics(run, {"loss": 0.5, "val": {"acc": 0.1}}) == 0
    assert runs.log_metrics(str(run), {"loss": math.nan}) == 1
    runs.update(run, config={"epochs": 3}, summary={"best": 0.1}, group="sweep")
    ended = runs.finish(run, summary={"note": "fine"})
    assert runs.finish(run) == ended
    assert (ended.state, ended.ended_at, ended.last_step) == (RunState.FINISHED, bench.now, 1)
    assert ended.duration(bench.now + TIMEOUT) == timedelta(seconds=9)
    detail = runs.get(run)
    assert detail.run == ended
    assert detail.run.config == {"lr": 0.1, "epochs": 3}
    assert detail.run.summary == {"best": 0.1, "note": "fine"}
    assert (detail.run.name, detail.run.tags, detail.run.group) == (
        *("bert/base", ("a", "b"), "sweep"),
    )
    assert [(one.name, one.step, one.count) for one in detail.metrics] == [
        *(("loss", 1, 2), ("val.acc", 0, 1)),
    ]
    assert math.isnan(detail.metrics[0].value)
    assert states(bench.tower) == ["running", "finished"]
    event = bench.tower.events.newest(1)[0]
    assert (event.container, event.collection, event.author) == (run.reference.project, None, "ada")
    detail.as_data()


def test_run_that_has_ended_takes_nothing_until_it_is_resumed(bench: Bench) -> None:
    runs = bench.tower.runs
    run = runs.start("acme/vision", id="first")
    runs.finish(run, exit_code=3)
    for refused in (
        lambda: runs.log_metrics(run, {"loss": 1}),
        lambda: runs.heartbeat(run),
        lambda: runs.finish(run),
        lambda: runs.start("acme/vision", id="first"),
    ):
        with pytest.raises(Conflict):
            refused()
    again = runs.start("acme/vision", id="first", resume=True, config={"more": 1})
    assert not again.created
    assert (again.state, again.ended_at, again.exit_code) == (RunState.RUNNING, None, None)
    assert again.config == {"more": 1}
    runs.start("acme/vision", id="first", resume=True)
    runs.log_metrics(run, {"loss": 1})
    runs.log_metrics(run, {"loss": 1}, MAX_STEP)
    with pytest.raises(InvalidInput, match="out of range"):
        runs.log_metrics(run, {"loss": 1})
    runs.finish(run, state=RunState.KILLED)
    assert states(bench.tower) == ["running", "failed", "running"]


def test_run_that_two_processes_start_is_started_once(bench: Bench) -> None:
    store, said = bench.store, RunChanges()
    with ThreadPoolExecutor(1) as threads:
        with store.changing() as change:
            assert start_run(change, VISION, "twin", said, resume=True).created
            other = threads.submit(bench.tower.runs.start, "acme/vision", id="twin", resume=True)
            if not store.database.is_sqlite:
                wait_until(lambda: change.connection.scalar(text(WAITING)), "the other to wait")
        assert not other.result(TIMEOUT.total_seconds()).created
    assert states(bench.tower) == ["running"]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_no_database_keeps_is_refused(bench: Bench, text: str) -> None:
    tower = bench.tower
    for refused in (
        lambda: tower.runs.start("acme/vision", id="noted", notes=text),
        lambda: tower.update(bench.version, description=text),
        lambda: tower.create_registry("described", text),
        lambda: tower.search(text),
    ):
        with pytest.raises(InvalidInput, match="no database keeps"):
            refused()
    assert tower.runs.list("acme/vision") == []


def test_silent_run_crashes_once_and_may_come_back(bench: Bench) -> None:
    runs = bench.tower.runs
    run = runs.start("acme/vision", id="silent")
    runs.start("acme/vision", id="alive")
    bench.now += TIMEOUT
    runs.heartbeat("acme/vision/alive")
    assert crash(bench) == []
    bench.now += timedelta(seconds=1)
    assert crash(bench) == ["acme/vision/silent"]
    assert crash(bench) == []
    crashed = runs.get(run).run
    assert (crashed.state, crashed.ended_at) == (RunState.CRASHED, START)
    assert states(bench.tower) == ["running", "running", "failed"]
    runs.log(run, [Point("loss", 3, 0.1)])
    assert runs.get(run).run.state is RunState.RUNNING
    bench.now += 2 * TIMEOUT
    assert len(crash(bench)) == 2
    runs.finish(run)  # it was only slow
    runs.finish("acme/vision/alive", exit_code=1)  # which was said when it crashed
    assert states(bench.tower)[3:] == ["running", "failed", "failed", "finished"]


def test_automation_fires_for_the_states_it_waits_for(bench: Bench) -> None:
    def automate(name: str, container: ContainerReference, regex: str = "") -> None:
        bench.automate(
            name,
            scope=ContainerScope(container=container),
            event_type=EventType.RUN_STATE,
            condition=StateCondition(states=(RunState.FAILED,)),
            filter={"source": {"run_name": {"$regex": regex}}},
            action=NoAction(),
        )

    automate("project", VISION)
    automate("entity", ContainerReference.entity_named("acme"), "^resnet")
    automate("everything", ContainerReference.organization())
    runs = bench.tower.runs
    for project, name, exit_code in (
        ("acme/vision", "resnet-1", 1),
        ("acme/vision", "vit-1", 1),
        ("acme/audio", "resnet-2", 1),
        ("beta/nlp", "resnet-3", 1),
        ("acme/vision", "resnet-4", 0),
    ):
        runs.finish(runs.start(project, name=name), exit_code=exit_code)
    bench.turn()
    runs_of = ((one.automation, one.event.run) for one in bench.executions)
    fired = sorted((automation, run.name) for automation, run in runs_of if run is not None)
    assert fired == [
        ("entity", "resnet-1"),
        ("entity", "resnet-2"),
        ("everything", "resnet-1"),
        ("everything", "resnet-2"),
        ("everything", "resnet-3"),
        ("everything", "vit-1"),
        ("project", "resnet-1"),
        ("project", "vit-1"),
    ]
    explained = bench.tower.explain.event(bench.tower.events.newest(1)[0].id)
    words = {one.revision.definition.name: one.words for one in explained.findings}
    assert words["project"] == "it waits until a run fails; this one finished"
    found = bench.tower.explain.automation("entity")
    assert {group.reason: group.count for group in found}["fired"] == 2
    definition = bench.tower.automations.get("project").definition
    tested = bench.tower.automations.backtest(definition, START - timedelta(hours=1))
    assert [event.detail for event in tested.newest] == ["vit-1 failed", "resnet-1 failed"]
    page = bench.tower.executions.page(100, container=VISION)
    assert len(page.entries) == 5


def test_artifacts_are_linked_to_their_run_both_ways(bench: Bench) -> None:
    tower = bench.tower
    run = tower.runs.start("acme/vision", id="made")
    version = tower.log("acme/vision/vit", type="model", references=["s3://a"], run=run)
    tower.log("acme/vision/vit", type="model", references=["s3://a"], run="acme/vision/made")
    tower.runs.add_artifact(run, bench.version, used=True)
    detail = tower.runs.get(run)
    assert (detail.logged, detail.used) == (("acme/vision/vit:v0",), ("acme/vision/resnet:v0",))
    assert tower.version(version).logged_by == ("acme/vision/made",)
    assert tower.version(bench.version).used_by == ("acme/vision/made",)
    with pytest.raises(NotFound, match="no run nope"):
        tower.log("acme/vision/new", type="model", references=["s3://a"], run="acme/vision/nope")
    with pytest.raises(NotFound):
        tower.versions("acme/vision/new")


def test_run_that_is_not_there_is_named(bench: Bench) -> None:
    runs = bench.tower.runs
    runs.start("acme/vision", id="resnet50")
    with pytest.raises(NotFound, match="no run resnet5") as raised:
        runs.get("acme/vision/resnet5")
    assert "Did you mean resnet50?" in raised.value.hint
    with pytest.raises(NotFound, match="no metric"):
        runs.points("acme/vision/resnet50", "loss")
    with pytest.raises(InvalidInput):
        runs.finish("acme/vision/resnet50", state=RunState.RUNNING)


def test_runs_are_listed_by_state_the_newest_first(bench: Bench) -> None:
    runs = bench.tower.runs
    for number in range(4):
        bench.now += timedelta(seconds=1)
        run = runs.start("acme/vision", id=f"run-{number}")
        if number % 2:
            runs.finish(run)
    runs.start("beta/nlp", id="other")
    assert [run.id for run in runs.list("acme/vision", limit=3)] == ["run-3", "run-2", "run-1"]
    running = runs.list(ContainerReference.organization(), state=RunState.RUNNING)
    assert {run.id for run in running} == {"run-0", "run-2", "other"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**53, 5e-324])
def test_every_number_comes_back(store: Store, value: float) -> None:
    tower = Tower(store)
    run = tower.runs.start("acme/vision")
    tower.runs.log(run, [Point("loss", 2**62, value)])
    [point] = tower.runs.points(run, "loss")
    assert point.step == 2**62
    assert same([point.value], [value])


values = st.floats(allow_nan=True, allow_infinity=True)
points = st.lists(
    st.builds(Point, st.sampled_from(["loss", "acc"]), st.integers(0, 9), values, st.none()),
    max_size=30,
)


@pytest.fixture(scope="module")
def one_tower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tower]:
    store = Store.open(str(tmp_path_factory.mktemp("points") / "tower.db"), author="ada")
    yield Tower(store)
    store.close()


@given(points=points, cuts=st.lists(st.integers(0, 30), max_size=3))
def test_points_in_any_split_leave_the_last_value_of_each_step(
    one_tower: Tower, points: list[Point], cuts: list[int]
) -> None:
    check_points(one_tower, points, cuts)


@settings(max_examples=5)
@given(points=points, cuts=st.lists(st.integers(0, 30), max_size=3))
def test_points_are_the_same_on_each_database(
    store: Store, points: list[Point], cuts: list[int]
) -> None:
    check_points(Tower(store), points, cuts)


def check_points(tower: Tower, points: list[Point], cuts: list[int]) -> None:
    """Log points in batches and compare with a dict."""
    run = tower.runs.start("acme/vision")
    edges = [0, *sorted(cuts), len(points)]
    expected: dict[str, dict[int, float]] = {}
    for start, end in pairwise(edges):
        batch = points[start:end]
        before = {name: dict(steps) for name, steps in expected.items()}
        for point in batch:
            expected.setdefault(point.name, {})[point.step] = point.value
        changed = sum(
            repr(before.get(name, {}).get(step)) != repr(value)
            and before.get(name, {}).get(step) != value
            for name, steps in expected.items()
            for step, value in steps.items()
        )
        assert tower.runs.log(run, batch) == changed
    detail = tower.runs.get(run)
    assert {one.name: one.count for one in detail.metrics} == {
        name: len(steps) for name, steps in expected.items()
    }
    for summary in detail.metrics:
        steps = expected[summary.name]
        found = tower.runs.points(run, summary.name)
        assert [one.step for one in found] == sorted(steps)
        assert same([one.value for one in found], [steps[step] for step in sorted(steps)])
        assert summary.step == max(steps)
        assert same([summary.value], [steps[max(steps)]])
        newest = tower.runs.points(run, summary.name, limit=2)
        assert [one.step for one in newest] == sorted(steps)[-2:]
        after = tower.runs.points(run, summary.name, after_step=min(steps), limit=1)
        assert [one.step for one in after] == sorted(steps)[1:2]
    steps_seen = [point.step for point in points]
    assert detail.run.last_step == max(steps_seen, default=None)


def same(found: list[float], expected: list[float]) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(one == other or (math.isnan(one) and math.isnan(other)) for one, other in pairs)
