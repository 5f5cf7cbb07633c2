"""`firetower run`."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.shell import SCRIPT, Shell
from firetower.cli import run_exec, system_metrics
from firetower.core.errors import InvalidInput
from firetower.core.runs import RunState
from firetower.run import ActiveRun
from firetower.store.store import Store
from firetower.tower import Tower
from waiting import TIMEOUT, wait_until

PYTHON = sys.executable


def ended(shell: Shell) -> dict[str, object]:
    """The newest run."""
    return shell.objects("run", "list", "acme/vision", "--limit", "1")[0]


def points(shell: Shell, metric: str) -> list[tuple[object, object]]:
    found = shell.objects("run", "show", str(ended(shell)["run"]), "--metric", metric)
    return [(one["step"], one["value"]) for one in found]


def test_run_is_started_logged_to_and_finished(shell: Shell) -> None:
    run = shell.ok("run", "start", "acme/vision", "--name", "resnet", "--config", "lr=0.1").strip()
    shell.ok("run", "log", run, "loss=0.5", "val.acc=nan", '{"val": {"top": 0.1}}')
    shell.ok("run", "log", run, "loss=0.25", "--step", "7")
    shell.ok("run", "log", run)
    environment = {"FIRETOWER_RUN": run}
    assert shell.run("run", "log", "loss=inf", **environment).returncode == 0
    assert shell.run("run", "alert", "too low", **environment).returncode == 0
    shell.ok("run", "alert", run, "hot", "--text", "90 °C", "--level", "warn")
    alerts = [one["alert"] for one in shell.objects("events") if one["event_type"] == "RUN_ALERT"]
    assert alerts == [
        {"title": "too low", "text": "", "severity": "INFO"},
        {"title": "hot", "text": "90 °C", "severity": "WARN"},
    ]
    shell.ok("run", "finish", run, "--exit-code", "3")
    shell.ok("run", "finish", run, "--exit-code", "3")
    other = shell.run("run", "finish", run, "--exit-code", "4")
    assert f"run {run} has ended already: it is failed, exit code 3" in other.stderr
    [shown] = shell.objects("run", "show", run)
    assert (shown["state"], shown["exit_code"], shown["name"]) == ("failed", 3, "resnet")
    assert shown["config"] == {"lr": 0.1}
    assert points(shell, "loss") == [(0, 0.5), (7, 0.25), (8, "Infinity")]
    assert points(shell, "val.acc") == [(0, "NaN")]
    assert shell.run("run", "show", run, "--limit", "1").returncode == 2
    text = shell.ok("run", "show", run)
    assert "config lr" in text
    assert "val.top" in text
    assert "resnet" in shell.ok("run", "list", "acme", "--state", "failed")
    states = [
        one["run_state"] for one in shell.objects("events") if one["event_type"] == "RUN_STATE"
    ]
    assert states == ["running", "failed"]
    assert shell.run("run", "start", "acme/vision", "--resume").returncode == 2
    again = shell.ok("run", "start", "acme/vision", "--id", run.split("/")[2], "--resume")
    assert again.strip() == run


REFUSED = [
    (("log", "acme/vision/nope", "loss=1"), "has no run nope"),
    (("log", "acme/vision", "loss=1"), "does not name a run"),
    (("log", "acme/vision/done", "loss=1"), "has ended: it is finished"),
    (("log", "acme/vision/open", "loss=low"), "not a metric with a number"),
    (("log", "acme/vision/open", "=1"), "metric name"),
    (("log", "acme/vision/open", "loss=-1e400"), "beyond the range"),
    (("log", "acme/vision/open", "loss"), "not a metric"),
    (("log", "acme/vision/open", "loss=1", "--step", "1.5"), "not an integer"),
    (("log", "acme/vision/open", "loss=1", "--step", "-1"), "out of range"),
    (("log", "loss=1"), "no run is named"),
    (("log", "acme/vision/open", "@many.json"), "not a metric"),
    (("log", "acme/vision/open", '{"a": "text"}'), "not a number"),
    (("log", "acme/vision/open", "loss=1", '{"acc": 2, "loss": 2}'), "given twice"),
    (("alert", "acme/vision/nope", "hot"), "has no run nope"),
    (("alert", "hot"), "no run is named"),
    (("alert", "acme/vision/open", " "), "has no title"),
    (("alert", "acme/vision/open", "x" * 10_001), "10,001 characters"),
    (("finish", "acme/vision/open", "--exit-code", f"{2**31}"), "out of range"),
    (("finish", "acme/vision/done", "--killed"), "has ended already"),
    (("start", "acme/vision", "--id", "open"), "already"),
    (("start", "acme/vision", "--id", "a b"), "not allowed"),
    (("start", "acme/vision", "--config", "@big.json"), "config would have 1,048,584 bytes"),
    (("start", "vision"), "has no entity"),
    (("list", "beta"), "there is no entity"),
    (("show", "acme/vision/open", "--metric", "loss"), "has no metric"),
    (("show", "acme/my vision/open"), "there is no project acme/my vision"),
    (("exec", "acme/vision", "--", "no-such-command"), "there is no command"),
    (("exec", "acme/vision", "--", __file__), "not an executable file"),
    (("exec", "acme/vision", "--metrics-from", "1", "--", "true"), "cannot carry metrics"),
    (("exec", "acme/vision", "--metrics-from", ".", "--", "true"), "not a file"),
]


def test_bad_input_is_refused_in_two_lines(shell: Shell) -> None:
    shell.ok("run", "start", "acme/vision", "--id", "open")
    shell.ok("run", "start", "acme/vision", "--id", "done")
    shell.ok("run", "finish", "acme/vision/done")
    (shell.folder / "big.json").write_text(json.dumps({"k": "x" * 2**20}))
    before = shell.objects("events")
    for arguments, said in REFUSED:
        done = shell.run("run", *arguments)
        assert (done.returncode, done.stdout) == (1, ""), arguments
        lines = done.stderr.splitlines()
        assert len(lines) == 2, arguments
        assert said in lines[0]
    assert shell.objects("events") == before


COMMAND = """
import json, os, sys
print("to stdout"); print("to stderr", file=sys.stderr)
with open(3, "w") as metrics:
    for step in range(3):
        print(json.dumps({"loss": 1 / (step + 1), "phase": "train", "step": step}), file=metrics)
    print("not JSON", file=metrics)
    print('{"loss": 1, "loss": 2}', file=metrics)
    print('{"loss": 1e400}', file=metrics)
    print("long" * 1_000_000, file=metrics)
import firetower
with firetower.connect() as tower, tower.run("acme/vision", config={"lr": 0.1}) as run:
    assert str(run) == os.environ["FIRETOWER_RUN"]
    run.log({"acc": 0.5}, step=9)
sys.exit(5)
"""


def test_exec_runs_a_command_as_a_run(shell: Shell) -> None:
    options = ("--name", "trained", "--metrics-from", "3")
    done = shell.run("run", "exec", "-q", "acme/vision", *options, "--", PYTHON, "-c", COMMAND)
    assert done.returncode == 5
    assert done.stdout == "to stdout\n"
    problem = '4 lines of metrics could not be read: "not JSON" is no JSON'
    assert done.stderr == f"to stderr\n{problem}\n"
    run = ended(shell)
    assert (run["state"], run["exit_code"], run["name"]) == ("failed", 5, "trained")
    assert run["config"] == {"lr": 0.1}
    assert points(shell, "loss") == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert points(shell, "acc") == [(9, 0.5)]


def test_version_logged_inside_exec_is_linked_to_its_run(shell: Shell) -> None:
    log = f"{SCRIPT} log acme/vision/vit model.pt --type model"
    assert shell.ok("run", "exec", "acme/vision", "--", "sh", "-c", log) == "acme/vision/vit:v0\n"
    (shell.folder / "many.jsonl").write_text(
        '{"collection": "acme/vision/cats", "type": "dataset", "paths": ["model.pt"]}\n'
    )
    run = str(ended(shell)["run"])
    shell.ok("log", "--from", "many.jsonl", "--run", run)  # as FIRETOWER_RUN
    assert f"logged by  {run}" in shell.ok("show", "acme/vision/cats:v0")
    assert f"logged by  {run}" in shell.ok("show", "acme/vision/vit:v0")
    assert "acme/vision/vit:v0" in shell.ok("run", "show", run)
    refused = shell.run(
        "log", "acme/vision/vit", "payload.json", "--type", "model", "--run", "a/b/c"
    )
    assert "there is no project a/b" in refused.stderr


def test_exec_reads_what_is_appended_to_a_file(shell: Shell) -> None:
    log = shell.folder / "metrics.jsonl"
    log.write_text('{"loss": 99}\n')
    write = f"echo '{{\"loss\": 1}}' >> {log}; printf '{{\"loss\": 0.5}}' >> {log}"
    options = ("--quiet", "--metrics-from", str(log))
    done = shell.run("run", "exec", "acme/vision", *options, "--", "sh", "-c", write)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ended(shell)["state"] == "finished"
    assert points(shell, "loss") == [(0, 1.0), (1, 0.5)]
    log.unlink()
    done = shell.run("run", "exec", "acme/vision", *options, "--", "true")
    assert done.stderr == f"no metrics: {log} is no file that can be read\n"


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (signal.SIGINT, "killed"),
        pytest.param(signal.SIGTERM, "failed", marks=pytest.mark.slow),
    ],
)
def test_exec_passes_signals_on(shell: Shell, number: signal.Signals, state: str) -> None:
    ready = shell.folder / "ready"
    program = (
        "import pathlib, signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(7))\n"
        f"pathlib.Path({str(ready)!r}).touch()\nsignal.pause()\n"
    )
    process = subprocess.Popen(
        [SCRIPT, "run", "exec", "acme/vision", "--", PYTHON, "-c", program],
        env=shell.environment,
        stderr=subprocess.DEVNULL,
    )
    wait_until(ready.exists, "the command")
    process.send_signal(number)
    assert process.wait(TIMEOUT) == 7
    assert ended(shell)["state"] == state


def test_exec_ends_its_command_when_the_run_is_stopped(shell: Shell) -> None:
    options = ("-q", "acme/vision", "--id", "long", "--", "sleep", "600")
    process = subprocess.Popen(
        [SCRIPT, "run", "exec", *options], env=shell.environment, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: "long" in shell.run("run", "list", "acme/vision").stdout, "the run")
    shell.ok("run", "finish", "acme/vision/long", "--killed")
    _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + signal.SIGTERM
    assert said == "run acme/vision/long was stopped: the command gets SIGTERM\n"
    assert ended(shell)["state"] == "killed"


def test_exec_of_a_command_that_a_signal_ends_returns_its_number(shell: Shell) -> None:
    done = shell.run("run", "exec", "acme/vision", "--", "sh", "-c", "kill -9 $$")
    assert done.returncode == 128 + signal.SIGKILL
    assert ended(shell)["state"] == "failed"


def _memory(handle: int) -> SimpleNamespace:
    if handle:
        raise RuntimeError("Not Supported")
    return SimpleNamespace(used=2, total=8)


NVML = SimpleNamespace(
    NVML_TEMPERATURE_GPU=0,
    nvmlInit=lambda: None,
    nvmlDeviceGetCount=lambda: 2,
    nvmlDeviceGetHandleByIndex=lambda number: number,
    nvmlDeviceGetUtilizationRates=lambda handle: SimpleNamespace(gpu=3 + handle),
    nvmlDeviceGetMemoryInfo=_memory,
    nvmlDeviceGetTemperature=lambda handle, sensor: 40 + handle + sensor,
    nvmlDeviceGetPowerUsage=lambda handle: 50_000 + handle,
)
"""Stands in for NVIDIA's library: one GPU that is nearly idle, and one that tells less."""


def test_system_measures_a_process_and_each_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", NVML)
    measure = system_metrics.open_system()
    child = subprocess.Popen([PYTHON, "-c", "input()"], stdin=subprocess.PIPE)
    alone = measure(child.pid)
    found = measure(os.getpid())
    child.communicate(b"\n")
    assert found["system.memory"] > alone["system.memory"] > 0
    assert 0 < found["system.memory_percent"] < 100
    assert found["system.cpu"] > 0
    gpus = {name: value for name, value in found.items() if ".gpu." in name}
    assert gpus == {
        "system.gpu.0.utilization": 3,
        "system.gpu.0.memory_percent": 25,
        "system.gpu.0.temperature": 40,
        "system.gpu.0.power": 50,
        "system.gpu.1.utilization": 4,
        "system.gpu.1.temperature": 41,
        "system.gpu.1.power": 50.001,
    }
    assert measure(2**22 + 1)["system.memory"] == 0


def test_cpu_of_children_counts_from_their_start(tmp_path: Path) -> None:
    begun = time.monotonic()
    measure = system_metrics.open_system()
    done, burn = tmp_path / "done", "while time.process_time() < 0.3: pass"
    ended = f"import time\n{burn}"
    alive = f"{ended}\nimport pathlib\npathlib.Path({str(done)!r}).touch()\ninput()"
    shell = '"$0" -c "$1"; exec "$0" -c "$2"'
    command = ["sh", "-c", shell, PYTHON, ended, alive]
    child = subprocess.Popen(command, stdin=subprocess.PIPE)
    wait_until(done.exists, "the children")
    share = measure(child.pid)["system.cpu"]
    seconds = share / 100 * (time.monotonic() - begun)
    child.communicate(b"\n")
    assert seconds >= 0.55  # of both: clocks of processes tick in hundredths


def test_rewritten_file_of_metrics_is_read_from_its_start(tmp_path: Path) -> None:
    path, ended, logged = tmp_path / "metrics.jsonl", threading.Event(), list[object]()
    run: Any = SimpleNamespace(log=lambda values, step: logged.append(values["loss"]))
    lines = run_exec.MetricLines.open(str(path))
    reader = threading.Thread(target=lines.read_on, args=(run, ended))
    reader.start()
    for text, losses in (('{"loss": 3}\n{"loss": 2}\n', [3, 2]), ('{"loss": 1}\n', [3, 2, 1])):
        path.write_text(text)
        wait_until(lambda losses=losses: logged == losses, f"{losses} to be read")  # type: ignore[misc]
    ended.set()
    reader.join()
    assert (logged, list(lines.problems)) == ([3, 2, 1], [])


def test_exec_logs_the_system_beside_the_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_exec, "SYSTEM_INTERVAL", 0.02)
    store = Store.open(str(tmp_path / "tower.db"), author="ada")
    tower = Tower(store)
    measured, log_beside = tmp_path / "measured", ActiveRun.log_beside

    def note(self: ActiveRun, *given: Any) -> None:
        log_beside(self, *given)
        measured.touch()

    monkeypatch.setattr(ActiveRun, "log_beside", note)
    program = f"import os, time\nwhile not os.path.exists({str(measured)!r}): time.sleep(0.02)"
    code = run_exec.execute(
        tower,
        "acme/vision",
        [PYTHON, "-c", program],
        {"id": "measured"},
        None,
        system=True,
        say=lambda _: None,
        progress=lambda _: None,
    )
    detail = tower.runs.get("acme/vision/measured")
    store.close()
    assert code == 0
    assert detail.run.state is RunState.FINISHED
    assert detail.run.last_step is None
    assert {"system.cpu", "system.memory"} <= {one.name for one in detail.metrics}


def test_system_without_its_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(InvalidInput, match="not installed") as raised:
        system_metrics.open_system()
    assert "firetower[system]" in raised.value.hint
