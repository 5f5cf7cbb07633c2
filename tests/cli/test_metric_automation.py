"""An automation on a metric, from its options to what became of a run."""

import json
from typing import Any

from cli.shell import Shell

AVERAGE = ("--metric", "loss", "--aggregate", "average", "--window", "2", "--above", "0.5")


def objects(shell: Shell, *arguments: str) -> list[Any]:
    return [json.loads(line) for line in shell.ok(*arguments, "--json").splitlines()]


def test_automation_on_a_metric_fires_and_explains_itself(shell: Shell) -> None:
    options = ("--project", "acme/vision", "--event", "RUN_METRIC", *AVERAGE, "--no-op")
    shell.ok("automation", "create", "high", *options)
    for run in ("up", "short"):
        shell.ok("run", "start", "acme/vision", "--id", run)
    for value in ("0.3", "0.9"):
        shell.ok("run", "log", "acme/vision/up", f"loss={value}")
    shell.ok("run", "log", "acme/vision/short", "loss=1")
    shell.ok("worker", "--once")
    [event] = [one for one in objects(shell, "events") if one["event_type"] == "RUN_METRIC"]
    assert event["metric"]["words"] == "average loss over 2 values is 0.6, above 0.5"
    assert (event["run"], event["metric"]["step"]) == ("acme/vision/up", 1)
    [shown] = objects(shell, "automation", "show", "high")
    assert shown["condition"]["kind"] == "threshold"
    told = shell.ok("automation", "show", "high")
    assert "average loss over 2 values is above 0.5" in told
    assert "filter" not in told  # it has none
    said = {
        one["run"]: one["words"]
        for one in objects(shell, "explain", "--automation", "high")
        if "run" in one
    }
    assert said["acme/vision/up"].startswith("fired ")
    assert said["acme/vision/short"] == "the window has 1 of 2 values"
    found = json.loads(shell.ok("backtest", "high", "--json"))
    assert (found["fired"], found["runs"], found["fired_runs"]) == (1, 2, 1)
