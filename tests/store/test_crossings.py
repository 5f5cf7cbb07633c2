"""Metrics of runs are evaluated exactly once, on both databases."""

import itertools
import math
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.test_metrics import change, condition, threshold
from firetower.core.actions import WebhookAction
from firetower.core.automations import Mode
from firetower.core.crossings import MAX_SKIPPED, Watch
from firetower.core.events import EventType
from firetower.core.executions import Execution
from firetower.core.filters import Filter
from firetower.core.metrics import AnyMetricCondition
from firetower.core.points import Point
from firetower.core.references import ContainerReference
from firetower.core.runs import RunReference
from firetower.core.scopes import ContainerScope
from firetower.store.doctor import examine
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.crossings import Evaluated, evaluate_metrics, read_watches
from firetower.store.store import Store
from store.bench import Bench

PROJECT = ContainerReference.project("acme/vision")
ENTITY = ContainerReference.entity_named("acme")
ORGANIZATION = ContainerReference.organization()
SECOND = timedelta(seconds=1)


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def watch(
    bench: Bench,
    name: str = "high",
    waits_for: AnyMetricCondition = threshold(),  # noqa: B008
    where: ContainerReference = PROJECT,
    **more: object,
) -> None:
    type_ = {
        "threshold": EventType.RUN_METRIC,
        "change": EventType.RUN_METRIC_CHANGE,
        "zscore": EventType.RUN_METRIC_ZSCORE,
    }[waits_for.model_dump()["kind"]]
    given = {"scope": ContainerScope(container=where), "event_type": type_, "condition": waits_for}
    bench.automate(name, records=True, **{**given, **more})


def start(bench: Bench, run_id: str = "run", project: str = "acme/vision", **more: Any) -> str:
    return str(bench.tower.runs.start(project, id=run_id, **more))


def log(bench: Bench, run: str, values: Iterable[float], *, first: int = 0) -> None:
    """Log values of loss, one at each step."""
    points = [Point("loss", step, value) for step, value in enumerate(values, first)]
    bench.tower.runs.log(run, points)


def evaluated(
    bench: Bench, cache: AutomationCache | None = None, tests: int = 10_000, after: int = 0
) -> Evaluated:
    with bench.store.changing() as change:
        return evaluate_metrics(change, cache or AutomationCache(), after=after, tests=tests)


def fired(executions: Sequence[Execution]) -> list[tuple[str, int, str]]:
    """Return what fired: the automation, the step, and the status or why it was skipped."""
    found = []
    for one in executions:
        assert one.event.metric is not None
        found.append((one.automation, one.event.metric.step, one.skip_reason or one.status.value))
    return sorted(found)


def test_a_crossing_makes_its_event_and_executions_once(bench: Bench) -> None:
    watch(bench, name="one")
    watch(bench, name="same")
    watch(bench, name="other", waits_for=threshold("$lt"))
    run = start(bench, name="resnet-50", config={"lr": 0.1})
    log(bench, run, [0.6, math.nan, 0.7, 0.8])
    bench.turn()
    bench.turn()
    assert fired(bench.executions) == [
        ("one", 2, "finished"),
        ("other", 0, "finished"),
        ("same", 2, "finished"),
    ]
    events = {one.event.id: one.event for one in bench.executions}
    assert len(events) == 2  # those that wait for the same share it
    [event] = [one for one in events.values() if one.metric and one.metric.step == 2]
    assert bench.tower.events.get(event.id) == event
    assert event.run is not None
    assert (event.run.name, event.run.config, event.author) == ("resnet-50", {"lr": 0.1}, "ada")
    assert event.detail == "loss of resnet-50 is 0.7, above 0.65"
    assert (event.container, event.recorded_at) == (PROJECT, bench.now)
    bench.now += SECOND
    log(bench, run, [0.1, 0.7], first=4)
    log(bench, run, [0.1, 0.7], first=6)
    bench.turn()
    assert fired(bench.executions[3:]) == [
        *(("one", step, "cooldown") for step in (5, 7)),
        *(("other", step, "cooldown") for step in (4, 6)),
        *(("same", step, "cooldown") for step in (5, 7)),
    ]
    for one in bench.executions[3:]:  # each says why it did not fire
        found = bench.tower.explain.event(one.event.id).findings
        [words] = [each.words for each in found if each.revision.definition.name == one.automation]
        assert "was skipped: cooldown until" in words


def test_what_an_automation_watches(bench: Bench) -> None:
    run = start(bench, name="resnet-50", config={"lr": 0.1, "net": {"depth": 50}}, tags=["night"])
    start(bench, "elsewhere", "acme/audio")
    start(bench, "stranger", "beta/vision")
    log(bench, run, [0.7])
    bench.now += SECOND
    for name, where in (("project", PROJECT), ("entity", ENTITY), ("all", ORGANIZATION)):
        watch(bench, name=name, where=where)
    filters: dict[str, dict[str, Any]] = {
        "name": {"$and": [{"display_name": {"$contains": "resnet"}}]},
        "config": {"config.net.depth": {"$gte": 50}, "config.lr.value": 0.1},
        "tags": {"tags": {"$in": ["night"]}},
        "user": {"user": "eve"},
    }
    for name, source in filters.items():
        watch(bench, name=name, filter=Filter.of(source))
    watch(bench, name="shadow", mode=Mode.SHADOW)
    watch(bench, name="disabled", mode=Mode.DISABLED)
    watch(bench, name="metric", waits_for=threshold(metric="val.loss"))
    bench.turn()
    assert bench.executions == []  # logged before they were saved
    for one in (run, "acme/audio/elsewhere", "beta/vision/stranger"):
        log(bench, one, [0.8], first=1)
    bench.turn()
    names = [name for name, *_ in fired(bench.executions)]
    assert names == ["all"] * 3 + [
        "config",
        "entity",
        "entity",
        "name",
        "project",
        "shadow",
        "tags",
    ]


def test_late_and_repeated_steps_are_not_evaluated_again(bench: Bench) -> None:
    watch(bench, cooldown=SECOND, waits_for=threshold(aggregate="AVERAGE", window=3))
    run = start(bench)
    log(bench, run, [0.1, 0.1], first=10)
    bench.turn()
    log(bench, run, [0.9, 0.9], first=2)  # late: they fill a later window
    log(bench, run, [0.9], first=10)  # written again
    bench.turn()
    assert bench.executions == []
    bench.now += SECOND
    log(bench, run, [0.98], first=12)
    bench.turn()
    [execution] = bench.executions
    metric = execution.event.metric
    assert metric is not None
    assert (metric.step, metric.values) == (12, (0.9, 0.1, 0.98))


def test_a_flood_of_values_is_evaluated_in_pieces(bench: Bench) -> None:
    watch(bench, cooldown=SECOND, waits_for=threshold(aggregate="MAX", window=3))
    run = start(bench)
    points = [Point("loss", step, float(step % 10 == 0)) for step in range(95)]
    bench.tower.runs.log(run, [*points, *(Point("other", step, 0) for step in range(95))])
    bench.tower.runs.log(start(bench, "second"), points)
    watch(bench, "never", waits_for=threshold(value=9))  # the tests are shared with it
    found = evaluated(bench, tests=40)
    assert [step for _, step, _ in fired(bench.executions)] == [2, 10]
    afters = [found.after]
    while found.more:
        found = evaluated(bench, tests=40, after=found.after)
        afters.append(found.after)
    assert afters[:4] == [2, 0, 1, 0]  # the flood of one metric keeps no other waiting
    assert len(afters) < 20
    assert [step for _, step, _ in fired(bench.executions)] == [
        max(2, n // 2 * 10) for n in range(20)
    ]
    assert {one.event.run.id for one in bench.executions if one.event.run} == {"run", "second"}


def test_runs_with_long_configs_are_evaluated_a_few_at_a_time(bench: Bench) -> None:
    watch(bench, mode=Mode.SHADOW, action=WebhookAction(endpoint="ci"))
    for number in range(12):
        run = start(bench, f"run-{number}", config={"text": "x" * 1_000_000})
        log(bench, run, [0.9])
    first = evaluated(bench)
    assert (len(first.decisions), first.more) == (10, True)
    assert {one.request_body for one in first.decisions} == {None}
    second = evaluated(bench, after=first.after)
    assert len(second.decisions) == 2
    bodies = [one.request_body or "" for one in bench.executions]
    assert [len(body) > 1_000_000 for body in bodies] == [True] * 12


def test_crossings_beyond_the_limit_are_counted_where_one_looks(bench: Bench) -> None:
    watch(bench, cooldown=60 * SECOND)
    run, other = start(bench), start(bench, "other")
    for one in (run, other):
        log(bench, one, [0.9, 0.1] * (MAX_SKIPPED + 6))
        bench.turn()
    for turn in range(3):
        log(bench, run, [0.9, 0.1] * 10, first=1_000 * (turn + 1))
        bench.turn()
    made = bench.tower.executions.newest(500)[::-1]
    mine = [one for one in made if one.event.subject == run]
    assert len(mine) == MAX_SKIPPED + 1
    newest = bench.tower.executions.newest(3, run=RunReference.parse(run))
    assert [one.id for one in newest] == [mine[0].id, mine[-1].id, mine[-2].id]  # what fired first
    assert [one.detail for one in mine[-2:]] == [None, "35 more crossings not listed"]
    assert mine[-1].describe("{:%H:%M:%S}".format) == (
        "cooldown until 12:01:00: 35 more crossings not listed"
    )
    assert made[-1].detail == "5 more crossings not listed"
    bench.now += 60 * SECOND
    log(bench, run, [0.9, 0.1, 0.9], first=9_000)
    bench.turn()
    assert bench.executions[-2].detail is None  # a cooldown of its own
    assert bench.tower.executions.get(mine[-1].id)[0].detail == "35 more crossings not listed"


CONDITIONS = [
    threshold(value=0.5),
    threshold("$lte", 0.5, aggregate="AVERAGE", window=3),
    change("INCREASE", 0.5, aggregate="AVERAGE", window=2, prior_window=2),
    condition("zscore", window=4, threshold=1),
]
values = st.lists(
    st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, math.nan, math.inf]), min_size=1, max_size=25
)


turns = st.none() | st.tuples(st.integers(0, 2), st.integers(1, 40), st.integers(0, 2))
"""After a step nothing, or: which worker evaluates, by how many tests at once, killed how often."""
_numbers = itertools.count()


class Killed(Exception):
    """Ends a transaction."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@given(values, st.lists(turns, min_size=25, max_size=25), st.integers(1, 8))
@settings(max_examples=settings().max_examples // 3)
def test_any_batches_workers_and_kills_fire_the_same_as_one_pass(
    bench: Bench, given: list[float], plan: list[tuple[int, int, int] | None], seconds: int
) -> None:
    for name in bench.tower.automations.names():
        bench.tower.automations.delete(name)
    for number, waits_for in enumerate(CONDITIONS):
        watch(bench, str(number), waits_for, cooldown=seconds * SECOND)
    number = next(_numbers)
    runs = [start(bench, f"{name}{number}") for name in ("whole", "split")]
    workers = [AutomationCache() for _ in range(3)]
    for step, value in enumerate(given):
        bench.now += SECOND
        for run in runs:
            log(bench, run, [value], first=step)
        turn = plan[step] or ((0, 100, 0) if step + 1 == len(given) else None)
        if turn is None:
            continue
        worker, tests, kills = turn
        for _ in range(kills):
            evaluate_only(bench, runs[1], workers[worker], tests, killed=True)
        while evaluate_only(bench, runs[1], workers[worker], tests):
            pass
    evaluated(bench)
    made: dict[str, list[Execution]] = {run: [] for run in runs}
    for execution in reversed(bench.tower.executions.newest(500)):  # all of these runs, and older
        if execution.event.subject in made:
            made[execution.event.subject].append(execution)
    assert fired(made[runs[0]]) == fired(made[runs[1]])


def evaluate_only(
    bench: Bench, run: str, cache: AutomationCache, tests: int, *, killed: bool = False
) -> bool:
    """Evaluate one run's metrics, return whether more is left; killed, a worker leaves nothing."""
    others = f"WHERE run_id <> (SELECT id FROM runs WHERE run_id = '{run.rpartition('/')[2]}')"
    with suppress(Killed), bench.store.changing() as change:
        execute = change.connection.exec_driver_sql
        waiting = execute(f"SELECT id FROM run_metrics {others} AND pending").scalars().all()
        execute(f"UPDATE run_metrics SET pending = 0 {others}")
        more = evaluate_metrics(change, cache, tests=tests).more
        for number in waiting:
            execute(f"UPDATE run_metrics SET pending = 1 WHERE id = {number}")
        if killed:
            raise Killed
        return more
    return True


def test_several_workers_at_once_fire_once(bench: Bench) -> None:
    names = [str(number) for number in range(len(CONDITIONS))]
    for name, waits_for in zip(names, CONDITIONS, strict=True):
        watch(bench, name, waits_for, cooldown=SECOND)
    runs = [start(bench, f"run{number}") for number in range(4)]
    wave = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    ended, errors = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            cache = AutomationCache()
            while not ended.is_set() or evaluated(bench, cache, tests=7).more:
                evaluated(bench, cache, tests=7)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(4):
        for run in runs:
            log(bench, run, wave, first=turn * len(wave))
        bench.now += SECOND
    ended.set()
    for thread in threads:
        thread.join()
    assert errors == []
    for run in runs:
        mine = [one for one in bench.executions if one.event.subject == run]
        steps = {name: [step for who, step, _ in fired(mine) if who == name] for name in names}
        assert steps["0"] == [4, 12, 20, 28]
        assert steps["1"][0] == 2
        assert len(steps["2"]) == 4


def test_an_automation_on_another_metric_keeps_nothing(bench: Bench) -> None:
    watch(bench, waits_for=threshold(metric="accuracy"))
    run = start(bench)
    log(bench, run, [0.1, 0.9])
    bench.turn()
    with bench.store.reading() as reader:
        kept = read_watches(reader, {(1, 1)})
        rows = reader.connection.exec_driver_sql(
            "SELECT pending, evaluated_step FROM run_metrics"
        ).all()
    assert kept == {}
    assert [tuple(row) for row in rows] == [(False, 1)]
    watch(bench, name="late")
    bench.turn()
    assert bench.executions == []
    bench.now += SECOND
    log(bench, run, [0.8], first=2)
    bench.turn()
    assert fired(bench.executions) == [("late", 2, "finished")]
    with bench.store.reading() as reader:
        [found] = read_watches(reader, {(2, 1)}).values()
    assert found == Watch(2, True, bench.now, 0)


def test_doctor_tells_of_values_that_wait(bench: Bench, database_url: str) -> None:
    def said() -> list[tuple[str, str]]:
        later = bench.now + 60 * SECOND
        checks = examine(database_url, later)
        return [(one.said, one.health.value) for one in checks if one.name == "metrics"]

    log(bench, start(bench), [0.1])
    [(found, health)] = said()
    assert found == "1 wait for their evaluation, the oldest for 1m"
    assert health == "warn"
    bench.turn()
    assert said() == []
