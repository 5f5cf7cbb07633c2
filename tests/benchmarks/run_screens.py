"""The Runs tab and a run's screen on a real terminal: few runs and points, and very many."""

import math
import sys
import time
from datetime import timedelta
from pathlib import Path

import firetower
from benchmarks import app, data
from benchmarks.table import Row, quantile
from benchmarks.terminal import Terminal
from firetower.core.points import Point
from firetower.store import run_schema
from firetower.store.store import Store

FEW_RUNS, MANY_RUNS = 100, 10_000
FEW_POINTS, MANY_POINTS = 100, 1_000_000
METRICS = ("acc", "loss", "lr")
STEPS = 20
STARTS, KEYS = 3, 40


def measure(folder: Path) -> list[Row]:
    small, large = folder / "small.db", folder / "large.db"
    _fill(small, FEW_RUNS, FEW_POINTS)
    _fill(large, MANY_RUNS, MANY_POINTS)
    environment = app._environment(folder)
    few, many = (_times(one, environment) for one in (small, large))
    names = ("Runs tab opened", "key to paint there", "run opened", "its chart alone")
    return [
        _against(f"app, {name}: 10,000 runs, 1,000,000 points", here, there)
        for name, here, there in zip(names, many, few, strict=True)
    ]


def _fill(path: Path, runs: int, points: int) -> None:
    data.make_catalog(path, 1, 10)
    store = Store.open(str(path))
    with store.changing() as change:
        columns = dict.fromkeys(("group_name", "job_type", "notes", "host"), "")
        columns |= {"tags_json": "[]", "config_json": '{"lr":0.1}', "summary_json": "{}"}
        project = change.connection.exec_driver_sql(
            "SELECT id FROM containers WHERE kind = 'project'"
        ).scalar_one()
        began = data.NOON
        rows = [
            {"id": number, "project_id": project, "run_id": f"{number:08d}", "author": "ada"}
            | {"name": f"run-{number:05d}", "state": "finished", "last_step": STEPS - 1, **columns}
            | dict.fromkeys(
                ("started_at", "heartbeat_at", "ended_at"), began - timedelta(minutes=number)
            )
            for number in range(1, runs + 1)
        ]
        change.connection.execute(run_schema.runs.insert(), rows)
        metrics = [
            {"id": run * 10 + place, "run_id": run, "name": name, "last_step": STEPS - 1}
            | {"last_value": run / 7, "last_at": began, "count": STEPS, "pending": False}
            for run in range(1, runs + 1)
            for place, name in enumerate(METRICS)
        ]
        change.connection.execute(run_schema.run_metrics.insert(), metrics)
        change.connection.exec_driver_sql(
            "INSERT INTO metric_points (run_metric_id, step, value, at) VALUES (?, ?, ?, ?)",
            [
                (one["id"], step, 1 / (step + 1), 1_700_000_000_000_000)
                for one in metrics
                for step in range(STEPS)
            ],
        )
    with firetower.Tower(store) as tower:
        run = tower.runs.start("acme/vision", name="the-long-one")
        for first in range(0, points, 50_000):
            steps = range(first, min(first + 50_000, points))
            tower.runs.log(run, [Point("loss", step, math.exp(-step / points)) for step in steps])
        tower.runs.log_metrics(run, {"acc": 0.5})
        tower.runs.finish(run)


def _times(database: Path, environment: dict[str, str]) -> tuple[float, ...]:
    """Return milliseconds, the least of several starts: each opens for the first time."""
    times = [_once(database, environment) for _ in range(STARTS)]
    return tuple(map(min, zip(*times, strict=True)))


def _once(database: Path, environment: dict[str, str]) -> tuple[float, ...]:
    command = [sys.executable, "-m", "firetower.cli", "--database", str(database)]
    with Terminal(command, environment) as one:
        one.when(b"reg-0")
        one.rest()
        for key in "2\r":
            one.send(key)
            one.rest()
        tab = _after(one, "h", b"the-long-one")
        one.rest()
        keys = []
        for number in range(1, KEYS):
            keys.append(_after(one, "j", f"run-{number:05d}".encode()))
            time.sleep(0.05)
        one.send("g")
        one.rest()
        opened = _after(one, "\r", b" steps")
        one.rest()
        alone = _after(one, "\r", b" steps")
    return tab, quantile(keys, 0.95), opened, alone


def _after(terminal: Terminal, key: str, text: bytes) -> float:
    after, pressed = len(terminal.written), terminal.send(key)
    return (terminal.when(text, after) - pressed) * 1e3


def _against(name: str, many: float, few: float) -> Row:
    ratio = many / few
    met = ratio <= 1.5 or many <= 50
    return Row(name, f"{many:.0f} ms", f"{few:.0f} ms", ratio, "ratio ≤ 1.5, or ≤ 50 ms", met)
