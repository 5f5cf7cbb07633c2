"""The team at work, with a real worker and the demo's receiver."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import firetower
from firetower.core.events import EventType
from firetower.core.executions import Execution, Status
from firetower.core.runs import RunState
from firetower.demo.session import demo_session, simulate, train
from firetower.tower import Tower
from towers import worker
from waiting import wait_until

STEPS = 60


def counting(steps: int) -> Callable[[float], bool]:
    """Return a wait that is over after some steps, and takes no time."""
    left = iter(range(steps))
    return lambda _: next(left, None) is None


def done(database: Path) -> list[tuple[str, str, str, str]]:
    with firetower.connect(str(database)) as tower:
        return [
            (event.type.value, event.subject, event.detail, event.author)
            for event in tower.events.newest(10_000)
        ]


def test_the_same_seed_tells_the_same_stories(past: Path, tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        database = Path(shutil.copy(past, tmp_path / f"{name}.db"))
        before = len(done(database))
        simulate(str(database), speed=1.0, seed=5, wait=counting(STEPS))
        told.append(done(database)[before:])
    assert len(told[0]) >= STEPS
    assert told[0] == told[1]


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_its_pace_can_be_watched_and_hurried(speed: float, past: Path, tmp_path: Path) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds * speed)
        return len(waits) > 10

    simulate(str(shutil.copy(past, tmp_path / "tower.db")), speed=speed, seed=5, wait=wait)
    assert all(3 <= seconds <= 6 for seconds in waits)


def test_a_change_by_somebody_else_ends_a_story_not_the_work(past: Path, tmp_path: Path) -> None:
    database = Path(shutil.copy(past, tmp_path / "tower.db"))
    before = len(done(database))
    over = counting(STEPS)

    def meddle(seconds: float) -> bool:
        with firetower.connect(str(database)) as tower:
            newest = tower.events.newest(1)[0]
            if newest.alias == "candidate" and newest.type is EventType.ADD_ARTIFACT_ALIAS:
                tower.remove_alias(newest.subject, "candidate")
        return over(seconds)

    simulate(str(database), speed=1.0, seed=5, wait=meddle)
    assert len(done(database)) > before + STEPS // 2


def since(tower: Tower, first: int) -> list[Execution]:
    return [one for one in tower.executions.newest(10_000) if one.id > first]


@pytest.mark.slow
def test_what_the_team_does_fires_automations_that_endpoints_answer() -> None:
    with demo_session(speed=200) as url, firetower.connect(url) as tower:
        first = tower.executions.newest(1)[0].id
        with worker(url):
            wait_until(
                lambda: (
                    {
                        (one.endpoint, one.status_code)
                        for one in since(tower, first)
                        if one.status is Status.FINISHED
                    }
                    >= {
                        ("ci-deploy", 202),
                        ("eval-cluster", 200),
                        ("audit-log", 201),
                        ("ml-alerts", 200),
                    }
                ),
                "an answer of each endpoint",
            )
            wait_until(
                lambda: any(one.attempts > 1 for one in since(tower, first)),
                "an execution that was tried again",
            )


def test_runs_train_one_of_each_fate(past: Path, tmp_path: Path) -> None:
    trained = []
    for name in ("one", "two"):
        database = str(shutil.copy(past, tmp_path / f"{name}.db"))
        train(database, speed=1.0, seed=5, wait=counting(90))
        with firetower.connect(database) as tower:
            newest = tower.runs.list("acme/vision", limit=3)
            first = tower.runs.list("acme/vision", limit=6)[3:]
            checkpoints = tower.versions("acme/vision/checkpoints")
            trained.append([(run.id, run.state, run.last_step) for run in [*newest, *first]])
    assert trained[0] == trained[1]
    assert {run.state for run in newest} == {RunState.RUNNING}
    assert {(run.state, run.last_step) for run in first} == {
        (RunState.FINISHED, 159),
        (RunState.FAILED, 79),
        (RunState.RUNNING, 52),  # it died: only a worker sees that
    }
    assert len(checkpoints) == 1
