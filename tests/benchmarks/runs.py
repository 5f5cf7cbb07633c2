"""Values of metrics a second, against the same rows by the driver's own executemany."""

import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import firetower
from benchmarks import data
from benchmarks.table import Row, quantile, rate
from firetower.run import ActiveRun
from postgres import running_server

METRICS = [f"train/metric-{number}" for number in range(10)]
STEPS, FLUSHED, ROUNDS, LOGGERS = 20_000, 500, 3, 8
LOGGED, TRAINED = 20_000, 0.0002
"""Calls of `run.log`, with seconds of training between two of them."""

_LOGGER = dedent("""
    import sys, time
    sys.path[:0] = {path!r}
    from benchmarks import runs
    import firetower
    with firetower.connect({url!r}) as tower, tower.run("acme/bench") as run:
        print("ready", flush=True)
        sys.stdin.readline()
        runs.log_all(run)
""")


def measure(folder: Path) -> list[Row]:
    """Measure one logger, several at once on each database, and the cost of a call."""
    ours, reference = [], []
    raw = data.raw(folder / "raw.db")
    raw.execute(
        "CREATE TABLE points (metric INTEGER, step INTEGER, value REAL, at INTEGER,"
        " PRIMARY KEY (metric, step)) WITHOUT ROWID"
    )
    with firetower.connect(str(folder / "tower.db")) as tower:
        for turn in range(ROUNDS):
            with tower.run("acme/bench") as run:
                begun = time.perf_counter()
                log_all(run)
                ours.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            for start in range(0, STEPS, FLUSHED):
                rows = [
                    (turn * 100 + metric, step, 1 / (step + 1), 1_700_000_000_000_000)
                    for step in range(start, start + FLUSHED)
                    for metric in range(len(METRICS))
                ]
                raw.execute("BEGIN IMMEDIATE")
                raw.executemany("INSERT INTO points VALUES (?, ?, ?, ?)", rows)
                raw.execute("COMMIT")
            reference.append(time.perf_counter() - begun)
        spent = _call_times(tower)
    raw.close()
    points = STEPS * len(METRICS)
    one = points / min(ours)
    several = [_several(str(folder / "several.db"))]
    with running_server() as server:
        several.append(_several(server.get_uri()))
    p99 = quantile(spent, 0.99) * 1e6
    said = f"p50 {quantile(spent, 0.5) * 1e6:.0f} µs, p99 {p99:.0f} µs"
    return [
        rate("run.log, one logger : executemany", "points", one, points / min(reference), 0.4),
        *(
            rate(f"{LOGGERS} loggers at once on {name} : one on SQLite", "points", found, one, None)
            for name, found in zip(("SQLite", "PostgreSQL"), several, strict=True)
        ),
        Row("run.log in a training loop", said, "", None, "p99 ≤ 100 µs", p99 <= 100),
    ]


def log_all(run: ActiveRun) -> None:
    """Log every metric at every step; write as often as the reference does."""
    for step in range(STEPS):
        run.log(dict.fromkeys(METRICS, 1 / (step + 1)), step=step)
        if (step + 1) % FLUSHED == 0:
            run.flush()


def _several(url: str) -> float:
    """Return the points a second of several processes, each with a run of its own."""
    firetower.connect(url).close()
    program = _LOGGER.format(path=[str(Path(__file__).parents[1])], url=url)
    loggers = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(LOGGERS)
    ]
    for logger in loggers:
        assert logger.stdout is not None
        assert logger.stdout.readline() == b"ready\n"
    begun = time.perf_counter()
    for logger in loggers:
        assert logger.stdin is not None
        logger.stdin.write(b"\n")
        logger.stdin.flush()
    for logger in loggers:
        logger.communicate()
        assert logger.returncode == 0
    return LOGGERS * STEPS * len(METRICS) / (time.perf_counter() - begun)


def _call_times(tower: firetower.Tower) -> list[float]:
    """Return how long each call took in a loop that computes in between."""
    spent = []
    with tower.run("acme/bench") as run:
        for step in range(LOGGED):
            until = time.perf_counter() + TRAINED
            while time.perf_counter() < until:
                pass
            values: dict[str, object] = dict.fromkeys(METRICS, 1 / (step + 1))
            begun = time.perf_counter()
            run.log(values, step=step)
            spent.append(time.perf_counter() - begun)
    return spent
