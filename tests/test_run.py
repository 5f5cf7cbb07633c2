"""The run of a script: buffered, flushed by a thread, ended with its block or its process."""

import errno
import io
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest

import firetower
from firetower.core.errors import Conflict, InvalidInput, NotFound, StoreLocked
from firetower.core.runs import RunReference, RunState
from firetower.run import MAX_BUFFERED, ActiveRun
from firetower.run_api import Runs
from firetower.store.store import Store
from firetower.tower import Tower
from towers import environment
from waiting import TIMEOUT, wait_until


def steps(tower: Tower, run: ActiveRun, metric: str = "loss") -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in tower.runs.points(run.reference, metric)]


def state(tower: Tower, run: ActiveRun) -> RunState:
    return tower.runs.get(run.reference).run.state


@pytest.fixture
def tower(store: Store, monkeypatch: pytest.MonkeyPatch) -> Tower:
    monkeypatch.setattr("firetower.run.END_TIMEOUT", 0.0)
    monkeypatch.setattr("firetower.run.FLUSH_INTERVAL", TIMEOUT)  # the tests flush
    return Tower(store)


def test_run_logs_in_a_block_and_finishes_at_its_end(tower: Tower, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    data = tower.log("acme/vision/cats", type="dataset", references=["s3://cats"])
    with tower.run("acme/vision", name="resnet", config={"lr": 0.1}) as run:
        run.use_artifact(data)
        for step in range(3):
            run.log({"loss": 1 / (step + 1), "val": {"acc": step}})
        run.log({"loss": 9.0}, step=7)
        run.log({"loss": 8.0})
        run.flush()
        assert state(tower, run) is RunState.RUNNING
        run.update(summary={"best": 0.3}, tags=["nightly"])
        run.alert("hot", "90 °C", level="warn")
        with pytest.raises(InvalidInput, match="no level"):
            run.alert("hot", level="loud")
        logged = run.log_artifact("resnet", tmp_path / "model.bin", type="model")
    with pytest.raises(Conflict, match="has ended"):
        run.log({"loss": 1.0})
    run.finish(exit_code=1)  # too late
    detail = tower.runs.get(run.reference)
    assert detail.run.state is RunState.FINISHED
    alert = detail.run.summary.pop("alert")
    assert (detail.run.config, detail.run.summary) == ({"lr": 0.1}, {"best": 0.3})
    assert isinstance(alert, dict)
    assert (alert["title"], alert["severity"]) == ("hot", "WARN")
    assert steps(tower, run) == [(0, 1.0), (1, 0.5), (2, 1 / 3), (7, 9.0), (8, 8.0)]
    assert [point.value for point in tower.runs.points(run.reference, "val.acc")] == [0, 1, 2]
    assert (detail.logged, detail.used) == ((logged.reference,), ("acme/vision/cats:v0",))


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (ValueError("diverged"), RunState.FAILED),
        (KeyboardInterrupt(), RunState.KILLED),
        (SystemExit(0), RunState.FINISHED),
        (SystemExit(3), RunState.FAILED),
        (SystemExit("no data"), RunState.FAILED),
    ],
)
def test_exception_in_the_block_ends_the_run(
    tower: Tower, error: BaseException, ended: RunState
) -> None:
    run = tower.run("acme/vision")
    run.log({"loss": 1.0})
    with pytest.raises(type(error)), run:
        raise error
    assert state(tower, run) is ended
    assert steps(tower, run) == [(0, 1.0)]


@pytest.mark.parametrize(
    "bad",
    [{"loss": "low"}, {"": 1.0}, {f"m{n}": 1 for n in range(10_001)}, [0.5], None],
)
def test_what_cannot_be_logged_is_refused_at_the_call(tower: Tower, bad: object) -> None:
    with tower.run("acme/vision") as run:
        with pytest.raises(InvalidInput):
            run.log(bad)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="integer"):
            run.log({"loss": 1.0}, step=1.5)  # type: ignore[arg-type]
    assert tower.runs.get(run.reference).metrics == ()


def test_run_of_the_environment_is_joined_and_not_ended(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = tower.runs.start("acme/vision", id="outer", config={"a": 1})
    tower.runs.log_metrics(outer, {"loss": 1.0}, step=4)
    monkeypatch.setenv("FIRETOWER_RUN", str(outer))
    with tower.run("acme/audio", name="inner", config={"b": 2}) as run:
        assert run.joined
        run.log({"loss": 0.5})
    found = tower.runs.get(outer).run
    assert (found.state, found.name, found.config) == (RunState.RUNNING, "inner", {"a": 1, "b": 2})
    assert steps(tower, run) == [(4, 1.0), (5, 0.5)]
    with tower.run("acme/audio", id="own") as own:
        assert not own.joined
    monkeypatch.setenv("FIRETOWER_RUN", "acme/vision/gone")
    with pytest.raises(NotFound):
        tower.run("acme/vision")
    monkeypatch.setenv("FIRETOWER_RUN", "gone")
    with pytest.raises(InvalidInput, match=r"FIRETOWER_RUN: .* does not name a run"):
        tower.run("acme/vision")
    monkeypatch.delenv("FIRETOWER_RUN")


def test_threads_log_without_losing_a_value(tower: Tower) -> None:
    with tower.run("acme/vision") as run:

        def log(name: str) -> None:
            for step in range(500):
                run.log({name: step}, step=step)

        threads = [threading.Thread(target=log, args=(f"m{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [one.count for one in tower.runs.get(run.reference).metrics] == [500] * 4


def failing(error: Exception, times: int) -> Callable[..., int]:
    """Return `Runs.write` that fails so many times before it writes."""
    left, write = [times], Runs.write

    def call(self: Runs, *given: object) -> int:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return write(self, *given)  # type: ignore[arg-type]

    return call


def test_what_could_not_be_written_is_kept_and_written_later(
    tower: Tower, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Runs, "write", failing(StoreLocked("locked", "Wait."), 1))
    with tower.run("acme/vision") as run:
        run.log({"loss": 1.0})
        with pytest.raises(StoreLocked):
            run.flush()
        run.log({"loss": 0.5})
    assert steps(tower, run) == [(0, 1.0), (1, 0.5)]
    assert capsys.readouterr().err == ""


class Full(io.StringIO):
    """Standard error on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("stderr", [Full(), None], ids=["full", "closed"])
def test_message_that_cannot_be_written_costs_no_value(
    tower: Tower,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stderr: Full | None,
) -> None:
    monkeypatch.setattr("firetower.run.FLUSH_INTERVAL", 0.01)
    monkeypatch.setattr(Runs, "write", failing(StoreLocked("locked", "Wait."), 1))
    with monkeypatch.context() as patch, tower.run("acme/vision") as run:
        patch.setattr("sys.stderr", stderr)
        run.log({"loss": 1.0})
        wait_until(lambda: tower.runs.get(run.reference).metrics, "the thread to write it")
    assert capsys.readouterr().out == ""


def test_what_is_lost_at_the_end_is_said(
    tower: Tower, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Runs, "write", failing(StoreLocked("locked", "Wait."), 99))
    with tower.run("acme/vision", id="unlucky") as run:
        run.log({"loss": 1.0, "acc": 0.5})
    said = capsys.readouterr().err
    assert said == (
        "firetower: run acme/vision/unlucky: locked. Wait.\n"
        "firetower: run acme/vision/unlucky: 2 values could not be saved.\n"
    )
    assert state(tower, run) is RunState.FINISHED


def test_values_beyond_the_buffer_are_counted(
    tower: Tower, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("firetower.run.MAX_BUFFERED", 2)
    monkeypatch.setattr(Runs, "write", failing(StoreLocked("locked", "Wait."), 99))
    with tower.run("acme/vision", id="full") as run:
        for _ in range(5):
            run.log({"loss": 1.0})
    assert "5 values could not be saved" in capsys.readouterr().err
    assert MAX_BUFFERED > 2


def test_run_that_another_ended_says_so_and_loses_the_rest(
    tower: Tower, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tower.run("acme/vision", id="stopped")
    tower.runs.finish(run.reference, state=RunState.KILLED)
    run.log({"loss": 1.0})
    with pytest.raises(Conflict):
        run.finish()
    said = capsys.readouterr().err
    assert "run acme/vision/stopped has ended: it is killed" in said
    assert "1 value could not be saved" in said


def test_run_stopped_from_outside_says_so_once(
    tower: Tower, capsys: pytest.CaptureFixture[str]
) -> None:
    with tower.run("acme/vision", id="stopped") as run:
        tower.runs.finish(run.reference, state=RunState.KILLED)
        for _ in range(3):
            run.log({"loss": 1.0})
            run._flush_or_say()
        assert capsys.readouterr().err.count("\n") == 1
    said = capsys.readouterr().err
    assert "3 values could not be saved" in said
    assert "has ended already: it is killed" in said  # and no exception: the script may have more


def test_run_that_is_gone_ends_the_block_at_once(
    tower: Tower, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("firetower.run.END_TIMEOUT", 10 * TIMEOUT)
    with tower.run("acme/vision") as run:
        run.reference = RunReference.parse("acme/vision/restored")  # to before the run began
        run.log({"loss": 1.0})
    said = capsys.readouterr().err
    assert said.count("has no run restored") == 1
    assert "1 value could not be saved" in said


def test_value_logged_while_the_run_ends_is_written_or_refused(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tower.run("acme/vision")

    class Ending(datetime):
        """Another thread ends the run while this one logs."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            monkeypatch.undo()
            run.finish()
            return super().now(tz)

    monkeypatch.setattr("firetower.run.datetime", Ending)
    with pytest.raises(Conflict):
        run.log({"loss": 1.0})


SCRIPT = """
import multiprocessing, os, sys
import firetower
tower = firetower.connect()
run = tower.run("acme/vision", id="main")
{body}
"""
BODIES = {
    "exit": ("run.log({'loss': 1.0})", RunState.FINISHED, {"loss": [0]}),
    "error": ("run.log({'loss': 1.0}); 1 / 0", RunState.FAILED, {"loss": [0]}),
    "leave": (
        """
try: sys.exit(5)
except SystemExit: pass  # an exit that is caught is none
def leave():
    run.log({'loss': 1.0})
    sys.exit(1)
leave()
""",
        RunState.FAILED,
        {"loss": [0]},
    ),
    "interrupt": (
        "run.log({'loss': 1.0}); raise KeyboardInterrupt",
        RunState.KILLED,
        {"loss": [0]},
    ),
    "fork": (
        """
run.log({'loss': 1.0})
for rank in range(3):
    if os.fork() == 0:
        run.log({f"rank{rank}": 1.0}, step=rank)
        sys.exit()
for rank in range(3):
    os.wait()
run.log({'loss': 0.5})
""",
        RunState.FINISHED,
        {"loss": [0, 1], "rank0": [0], "rank1": [1], "rank2": [2]},
    ),
    "multiprocessing": (
        """
def train(rank):
    for step in range(20):
        run.log({f"rank{rank}": 1.0}, step=step)
run.log({'loss': 1.0})
context = multiprocessing.get_context("fork")
ranks = [context.Process(target=train, args=(rank,)) for rank in range(3)]
for rank in ranks: rank.start()
for rank in ranks: rank.join()
with run: run.log({'loss': 0.5})
""",
        RunState.FINISHED,
        {"loss": [0, 1], **{f"rank{rank}": list(range(20)) for rank in range(3)}},
    ),
}


SLOW = {"exit", "error", "interrupt", "fork"}


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.slow] * (one in SLOW)) for one in BODIES]
)
def test_script_is_written_whole_by_each_of_its_processes(database_url: str, name: str) -> None:
    body, ended, expected = BODIES[name]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(body=body)],
        env=environment(database_url),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert (done.returncode == 0) == (ended is RunState.FINISHED), done.stderr
    assert "firetower:" not in done.stderr
    with firetower.connect(database_url) as tower:
        detail = tower.runs.get("acme/vision/main")
        assert detail.run.state is ended
        found = {
            one.name: [point.step for point in tower.runs.points(detail.run, one.name)]
            for one in detail.metrics
        }
    assert found == expected
