"""What is said of metrics: why they fired or not, what they would have, and what is thinned."""

from datetime import timedelta

import pytest

from core.test_metrics import threshold
from firetower.core.actions import WebhookAction
from firetower.core.automations import Mode
from firetower.core.endpoints import EndpointKind
from firetower.core.explanation import RunOutcome
from firetower.core.filters import Filter
from firetower.core.points import Point
from firetower.store.prune import NEWEST, PARTS
from firetower.store.store import Store
from store.bench import Bench
from store.test_crossings import SECOND, fired, log, start, watch

DAY = timedelta(days=1)
AVERAGE = threshold(aggregate="AVERAGE", window=5)


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def said(bench: Bench, name: str = "high") -> dict[str, tuple[str, str]]:
    clock = "{:%d %H:%M:%S}".format
    return {
        one.run.id: (one.outcome.value, one.words)
        for one in bench.tower.explain.runs(name, clock=clock)
    }


def test_each_run_says_what_it_waits_for(bench: Bench) -> None:
    older = start(bench, "older")
    log(bench, older, [0.9] * 5)
    bench.now += SECOND
    watch(bench, waits_for=AVERAGE, filter=Filter.of({"user": "ada"}))
    for run_id in ("fired", "below", "short", "silent", "unlike", "typo", "new"):
        start(bench, run_id, user="eve" if run_id == "unlike" else "ada")
    log(bench, "acme/vision/fired", [0.9] * 6)
    log(bench, "acme/vision/below", [0.5, 0.6, 0.61, 0.62, 0.72])
    log(bench, "acme/vision/short", [0.9] * 3)
    log(bench, "acme/vision/unlike", [0.9] * 5)
    bench.tower.runs.log("acme/vision/typo", [Point("train.loss", 0, 1.0)])
    bench.turn()
    bench.now += SECOND
    log(bench, "acme/vision/fired", [0.1] * 5 + [9] * 5, first=6)
    bench.turn()
    log(bench, "acme/vision/new", [0.9] * 5)
    assert said(bench) == {
        "older": (
            "older values",
            "it has logged no value since the automation was saved, 31 12:00:01",
        ),
        "fired": (
            "fired",
            "fired 31 12:00:01, quiet until 01 12:00:01 (1 more crossing skipped)",
        ),
        "below": (
            "the condition",
            "average loss over 5 values is 0.61, asked: > 0.65 (step 4)",
        ),
        "short": ("the window", "the window has 3 of 5 values"),
        "silent": ("no such metric", "it logs no loss"),
        "typo": ("no such metric", "it logs no loss. Did you mean train.loss?"),
        "unlike": ("the filter", 'its filter asks for user = ada; it is "eve"'),
        "new": (
            RunOutcome.WAITING.value,
            "no worker has evaluated its newest values: `firetower worker`",
        ),
    }
    bench.tower.automations.set_mode("high", Mode.DISABLED)
    assert said(bench)["short"] == ("disabled", "it was disabled 31 12:00:02")
    assert bench.tower.explain.runs("high", since=bench.now + SECOND) == []


def test_a_condition_that_holds_and_fired_nothing_says_why(bench: Bench) -> None:
    watch(bench, action=WebhookAction(endpoint="ci"))
    watch(bench, "tagged", filter=Filter.of({"tags": "night"}))
    bench.tower.endpoints.disable("ci", EndpointKind.WEBHOOK)
    log(bench, start(bench), [0.9, 0.1, 0.9])
    bench.turn()
    skipped = "loss is 0.9, above 0.65 (step 2); 2 crossings skipped, its history says why"
    assert said(bench) == {"run": ("the condition", skipped)}
    bench.tower.runs.update("acme/vision/run", tags=["night"])
    later = "loss is 0.9, above 0.65 (step 2); the run did not pass its filter then"
    assert said(bench, "tagged") == {"run": ("the condition", later)}
    bench.tower.endpoints.enable("ci", EndpointKind.WEBHOOK)
    log(bench, "acme/vision/run", [0.1, 0.9], first=3)
    bench.turn()
    assert said(bench)["run"][0] == "fired"


def test_an_event_of_a_metric_says_why_others_did_not_fire(bench: Bench) -> None:
    watch(bench)
    watch(bench, name="low", waits_for=threshold("$lt"))
    run = start(bench)
    log(bench, run, [0.9])
    bench.turn()
    [execution] = bench.executions
    found = bench.tower.explain.event(execution.event.id)
    assert {one.revision.definition.name: one.words for one in found.findings} == {
        "high": "fired: finished",
        "low": "it waits until loss is below 0.65; this was: loss is 0.9, above 0.65",
    }


def test_a_backtest_counts_runs(bench: Bench) -> None:
    bench.now += DAY
    for number, peak in enumerate((0.9, 0.1, 0.8, 0.7)):
        run = start(bench, f"run{number}", user="eve" if number == 3 else "ada")
        for step in range(5):
            bench.now += SECOND
            value = peak if step in {1, 3} else 0.0
            bench.tower.runs.log(run, [Point("loss", step, value), Point("other", step, value)])
    start(bench, "silent")
    before = bench.now - 21 * SECOND
    watch(bench, filter=Filter.of({"user": "ada"}))
    definition = bench.tower.automations.get("high").definition
    progress: list[float] = []
    found = bench.tower.automations.backtest(
        definition, before, progress=lambda one: progress.append(one.share)
    )
    assert (found.fired, found.skipped, found.fired_runs, found.runs) == (2, 2, 2, 3)
    assert [(one.subject, one.detail) for one in found.newest] == [
        ("acme/vision/run2", "loss is 0.8, above 0.65"),
        ("acme/vision/run0", "loss is 0.9, above 0.65"),
    ]
    assert sum(found.bars) == 2
    assert progress == sorted(progress)
    assert progress[0] < 1
    quick = definition.model_copy(update={"cooldown": SECOND})
    assert bench.tower.automations.backtest(quick, before).fired == 4
    later = bench.tower.automations.backtest(quick, before + 4 * SECOND)
    assert (later.fired, later.runs) == (3, 3)


def test_a_backtest_finds_what_a_worker_fires(bench: Bench) -> None:
    watch(bench, waits_for=AVERAGE, cooldown=5 * SECOND)
    run = start(bench)
    for step in range(60):
        bench.now += SECOND
        log(bench, run, [(step % 13) / 10], first=step)
    bench.turn()
    definition = bench.tower.automations.get("high").definition
    found = bench.tower.automations.backtest(definition, bench.now - DAY)
    steps = [step for _, step, status in fired(bench.executions) if status == "finished"]
    assert [one.metric.step for one in found.newest[::-1] if one.metric] == steps
    assert found.fired == len(steps) > 1


def test_old_values_are_thinned_to_what_a_chart_shows(bench: Bench) -> None:
    count = NEWEST + 4 * PARTS
    run, waiting = start(bench), start(bench, "waiting")
    points = [Point("loss", step, float(step % 7)) for step in range(count)]
    points[3] = Point("loss", 3, 100.0)
    bench.tower.runs.log(run, points)
    bench.turn()
    bench.tower.runs.log(waiting, points)
    bench.now += 100 * DAY
    upkeep, runs = bench.tower.upkeep, bench.tower.runs
    assert upkeep.plan(bench.now - 101 * DAY).points == 0
    before = bench.now - 50 * DAY
    planned = upkeep.plan(before).points
    assert sum(batch.points for batch in upkeep.prune(before)) == planned > 0
    kept = runs.points(run, "loss")
    assert len(kept) == count - planned <= NEWEST + 2 * PARTS
    assert [one.step for one in kept[-NEWEST:]] == list(range(count - NEWEST, count))
    assert (3, 100.0) in [(one.step, one.value) for one in kept]
    assert {one.value for one in kept[:-NEWEST]} == {0.0, 6.0, 100.0}
    [summary] = runs.metrics(run)
    assert summary.count == len(kept)
    assert len(runs.points(waiting, "loss")) == count  # they wait for evaluation
    assert upkeep.plan(before).points == 0
