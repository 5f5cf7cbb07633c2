"""A training loop's state and loss fire webhooks while it runs, and as it dies."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from main_job.test_main_job import do
from receiver import serve
from towers import started, worker

FIT = Path(__file__).with_name("fit.py")
WATCHED = {
    "started": ["--event", "RUN_STATE", "--state", "running", "--run-name", "^line"],
    "died": ["--event", "RUN_STATE", "--state", "failed"],
    "converged": [
        *("--event", "RUN_METRIC", "--metric", "loss", "--below", "0.1"),
        *("--aggregate", "average", "--window", "5"),
    ],
    "diverges": ["--event", "RUN_METRIC_CHANGE", "--metric", "loss", "--increases", "200%"],
    "outlier": ["--event", "RUN_METRIC_ZSCORE", "--metric", "loss", "--window", "10"],
    "other-metric": ["--event", "RUN_METRIC", "--metric", "accuracy", "--above", "0"],
    "other-run": [
        *("--event", "RUN_METRIC", "--metric", "loss", "--above", "0"),
        *("--run-name", "^resnet"),
    ],
}
PAYLOAD = '{"automation": "${automation_name}", "run": "${run_name}", "status": "${run_status}"}'


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_training_loop_fires_by_its_loss_and_by_its_death(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    do(database, "project", "create", "acme/vision")
    with serve() as receiver:
        for name, options in WATCHED.items():
            do(database, "webhook", "create", name, receiver.url(f"/{name}"))
            action = ["--project", "acme/vision", "--webhook", name]
            do(database, "automation", "create", name, *action, *options)
        do(database, "automation", "edit", "died", "--payload", PAYLOAD)
        fit = ("run", "exec", "acme/vision", "--name", "line-fit", "--", sys.executable, str(FIT))
        with worker(database), started(database, *fit) as training:
            assert training.stdout is not None
            trainer = int(training.stdout.readline())
            receiver.wait_for(4)  # before it dies
            os.kill(trainer, signal.SIGKILL)
            assert training.wait(30) != 0
            receiver.wait_for(5)
        sent = {one.path.removeprefix("/"): json.loads(one.body) for one in receiver.requests}
    assert sent.keys() == {"started", "converged", "diverges", "outlier", "died"}
    assert len(receiver.requests) == len(sent)
    assert sent["died"] == {"automation": "died", "run": "line-fit", "status": "failed"}
    metric = sent["diverges"]["data"]["metric"]
    assert metric["words"].startswith("loss rose by ")
    assert metric["current"] > 3 * metric["before"]
    assert sent["converged"]["data"]["metric"]["step"] < metric["step"]
    said = do(database, "explain", "--automation", "other-metric")
    assert "it logs no accuracy" in said
    assert "asks for run_name ~ ^resnet" in do(database, "explain", "--automation", "other-run")
    assert "for 1 of 1 run" in do(database, "backtest", "diverges")
