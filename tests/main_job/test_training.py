"""A training loop as a run: what becomes of it fires automations that arrive at a receiver."""

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

import firetower
from firetower.core.runs import RunState
from receiver import serve
from towers import COMMAND, environment, run, worker
from waiting import wait_until

TRAIN = [sys.executable, str(Path(__file__).with_name("train_loop.py"))]
HOUR = 60 * 60 * 1_000_000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_training_loop_that_dies_is_told_of(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    payload = json.dumps({"run": "${run_name}", "id": "${run_id}", "status": "${run_status}"})
    scopes = {
        "project": ("--project", "acme/vision"),
        "entity": ("--entity", "acme"),
        "everything": ("--organization",),
    }
    with serve() as receiver:
        assert run(database, "project", "create", "acme/vision").returncode == 0
        for name, scope in scopes.items():
            arguments = ("webhook", "create", name, receiver.url(f"/{name}"))
            assert run(database, *arguments).returncode == 0
            event = ("--event", "RUN_STATE", "--state", "failed", "--webhook", name)
            made = ("automation", "create", name, *scope, *event, "--payload", payload)
            assert run(database, *made).returncode == 0
        with worker(database):
            exec_ = [COMMAND, "run", "exec", "acme/vision"]
            for command, code in (
                ([*exec_, "--id", "whole", "--", *TRAIN, "50"], 0),
                ([*exec_, "--id", "dead", "--", *TRAIN, "50", "dies"], 137),
                ([*TRAIN, "50"], 0),
                ([*TRAIN, "50", "dies"], -9),
            ):
                done = subprocess.run(
                    command, env=environment(database), capture_output=True, check=False
                )
                assert done.returncode == code, done.stderr
            receiver.wait_for(3)
            with firetower.connect(database) as tower:
                [silent] = tower.runs.list("acme/vision", state=RunState.RUNNING)
                with closing(sqlite3.connect(database)) as connection:
                    connection.execute(
                        "UPDATE runs SET heartbeat_at = heartbeat_at - ? WHERE run_id = ?",
                        (HOUR, silent.id),
                    )
                    connection.commit()
                receiver.wait_for(6)
                wait_until(lambda: tower.runs.get(silent).run.state is RunState.CRASHED, "a crash")
                for one in tower.runs.list("acme/vision"):
                    detail = tower.runs.get(one)
                    assert [metric.count for metric in detail.metrics] == [50, 50]
                    ended_well = one.state is RunState.FINISHED
                    assert detail.logged == (("acme/vision/linear:v0",) if ended_well else ())
    told = [(request.path, json.loads(request.body)) for request in receiver.requests]
    assert Counter((path, body["id"]) for path, body in told) == Counter(
        (f"/{name}", run_id) for name in scopes for run_id in ("dead", silent.id)
    )
    assert all((body["run"], body["status"]) == ("linear", "failed") for _, body in told)
