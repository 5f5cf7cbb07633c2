"""Values of metrics evaluated a second, and from a value to the arrival of its request."""

import math
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import firetower
from benchmarks.endpoint import endpoint, worker
from benchmarks.table import Row, quantile
from firetower.core.actions import Action, NoAction, WebhookAction
from firetower.core.automations import Definition
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.events import EventType
from firetower.core.metrics import Aggregate, Comparison, ThresholdCondition
from firetower.core.points import Point
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.crossings import evaluate_metrics
from towers import COMMAND

RUNS, METRICS, STEPS, FLUSHES, ROUNDS = 20, 10, 5, 20, 5
"""Runs, the metrics of each, the steps of one flush, and how many there are."""
ELSEWHERE, HERE = 1_000, 100
"""Automations on other metrics, and on the one that is measured."""
CALLS, PAUSE = 100, 0.03
MANY_RUNS = 10_000
_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command, and prints its memory in KiB."""
PROJECT = ContainerReference.project("acme/bench")


def measure(folder: Path) -> list[Row]:
    """Measure values a second without automations, with many elsewhere and with some here."""
    databases = {
        "none": _tower(folder / "none.db", 0, "-"),
        "elsewhere": _tower(folder / "elsewhere.db", ELSEWHERE, "other-{}"),
        "here": _tower(folder / "here.db", HERE, "metric-0"),
    }
    times = dict.fromkeys(databases, math.inf)
    for _ in range(ROUNDS):  # in turn, so that what else the machine does strikes all alike
        for name, tower in databases.items():
            times[name] = min(times[name], _evaluate(tower))
    for tower in databases.values():
        tower.close()
    points = RUNS * METRICS * STEPS * FLUSHES
    cost = times["elsewhere"] / times["none"]
    return [
        Row(
            f"evaluated, {ELSEWHERE:,} automations on other metrics : none",
            f"{points / times['elsewhere']:,.0f} points/s",
            f"{points / times['none']:,.0f} points/s",
            cost,
            "cost ≤ 1.1",
            cost <= 1.1,
        ),
        Row(
            f"evaluated, {HERE} automations on one metric of {METRICS} : none",
            f"{points / times['here']:,.0f} points/s",
            f"{points * HERE / METRICS / times['here']:,.0f} tests/s",
            times["here"] / times["none"],
            "",
            met=True,
        ),
        _latency(folder / "latency.db"),
        _memory(folder / "memory.db"),
    ]


def _tower(path: Path, automations: int, metric: str) -> firetower.Tower:
    tower = firetower.connect(str(path))
    tower.create_project(str(PROJECT))
    for number in range(automations):
        # It never holds: what is measured is the testing.
        _watch(tower, f"watch-{number}", metric.format(number), 1e9, NoAction())
    return tower


def _watch(
    tower: firetower.Tower, name: str, metric: str, threshold: float, action: Action
) -> None:
    condition = ThresholdCondition(
        metric=metric,
        aggregate=Aggregate.AVERAGE,
        window=10 if threshold > 1 else 1,
        comparison=Comparison.GT,
        threshold=threshold,
    )
    tower.automations.create(
        Definition(
            name=name,
            scope=ContainerScope(container=PROJECT),
            event_type=EventType.RUN_METRIC,
            condition=condition,
            action=action,
            cooldown=timedelta(microseconds=1),
        )
    )


def _evaluate(tower: firetower.Tower) -> float:
    """Return the seconds that evaluating the flushes of some runs takes, without the logging."""
    runs = [tower.runs.start(str(PROJECT)) for _ in range(RUNS)]
    cache, spent, store = AutomationCache(), 0.0, tower._store
    with store.changing() as change:
        cache.refresh(change)  # as a worker's, which has read the automations already
    for flush in range(FLUSHES):
        steps = range(flush * STEPS, (flush + 1) * STEPS)
        for run in runs:
            names = [f"metric-{number}" for number in range(METRICS)]
            tower.runs.log(run, [Point(name, step, 0.5) for name in names for step in steps])
        more, begun = True, time.perf_counter()
        while more:
            with store.changing() as change:
                more = evaluate_metrics(change, cache).more
        spent += time.perf_counter() - begun
    return spent


def _memory(path: Path) -> Row:
    """Return the memory of a worker that evaluates the values of very many runs."""
    with _tower(path, HERE, "metric-0") as tower:
        tower.runs.start(str(PROJECT), id="first")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
        own = {"id": "n", "run_id": "'run-' || n"}
        values = ", ".join(own.get(name, name) for name in columns)
        numbers = "WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < ?)"
        connection.execute(
            f"INSERT INTO runs {numbers} SELECT {values} FROM n, (SELECT * FROM runs)", [MANY_RUNS]
        )
        metrics = ((run, f"metric-{one}") for run in range(1, MANY_RUNS + 1) for one in range(50))
        connection.executemany(
            "INSERT INTO run_metrics (run_id, name, last_step, last_at, count, pending)"
            " VALUES (?, ?, 0, 0, 1, 1)",
            metrics,
        )
        connection.execute(
            "INSERT INTO metric_points (run_metric_id, step, value, at)"
            " SELECT id, 0, 0.5, 4000000000000000 FROM run_metrics"
        )
        connection.execute("COMMIT")
    begun = time.perf_counter()
    environment = {**os.environ, "FIRETOWER_DATABASE_URL": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, COMMAND, "worker", "--once"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    mebibytes = int(done.stdout.splitlines()[-1]) / 1024
    seconds = time.perf_counter() - begun
    return Row(
        f"worker's memory, {MANY_RUNS:,} runs × 50 metrics",
        f"{mebibytes:.0f} MiB, {seconds:.1f} s",
        "",
        None,
        "≤ 150 MiB",
        mebibytes <= 150,
    )


def _latency(path: Path) -> Row:
    """Return from the call that writes a value to the arrival of the request."""
    with endpoint() as receiver, firetower.connect(str(path)) as tower:
        tower.create_project(str(PROJECT))
        settings = EndpointSettings(name="ci", kind=EndpointKind.WEBHOOK, url=receiver.hook)
        tower.endpoints.create(settings)
        _watch(tower, "watch", "loss", 0.5, WebhookAction(endpoint="ci"))
        run = tower.runs.start(str(PROJECT))
        begun = []
        with worker(str(path), once=False):
            time.sleep(1)  # its watching thread begins
            for step in range(2 * CALLS):
                if step % 2:
                    begun.append(time.monotonic_ns())
                tower.runs.log(run, [Point("loss", step, float(step % 2))])
                time.sleep(PAUSE)
            time.sleep(1)
            arrivals = receiver.take()["arrivals"]
    assert len(arrivals) == CALLS
    spent = [(there - here) / 1e6 for here, there in zip(begun, arrivals, strict=True)]
    median = quantile(spent, 0.5)
    said = f"p50 {median:.1f} ms, p95 {quantile(spent, 0.95):.1f} ms"
    return Row("value written to request", said, "", None, "p50 ≤ 20 ms", median <= 20)
