"""Measure against the aims, each beside a raw reference: run.py [NAME ...]."""

import compileall
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


def main(names: list[str]) -> None:
    import firetower
    from benchmarks import (
        app,
        backlog,
        backtest,
        changes,
        commands,
        delivery,
        evaluation,
        history,
        latency,
        metrics,
        neighbours,
        run_screens,
        runs,
        server,
        team,
        through,
    )
    from benchmarks.table import Row, show

    benchmarks: dict[str, Callable[[Path], list[Row]]] = {
        "evaluation": evaluation.measure_batches,
        "elsewhere": evaluation.measure_elsewhere,
        "delivery": delivery.measure,
        "latency": latency.measure,
        "neighbours": neighbours.measure,
        "changes": changes.measure,
        "many": changes.measure_many,
        "commands": commands.measure,
        "app": app.measure,
        "idle": app.measure_idle,
        "backtest": backtest.measure,
        "through": through.measure,
        "history": history.measure,
        "pages": history.measure_pages,
        "backlog": backlog.measure,
        "team": team.measure,
        "runs": runs.measure,
        "run_screens": run_screens.measure,
        "server": server.measure,
        "metrics": metrics.measure,
    }
    # As installed: pip compiles packages, and an environment may forbid it to those that run them.
    compileall.compile_dir(Path(firetower.__file__).parent, quiet=1)
    rows: list[Row] = []
    for name in names or benchmarks:
        # /var/tmp: a disk, where /tmp may be memory, on which a commit costs nothing.
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            rows += benchmarks[name](Path(folder))
    show(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
