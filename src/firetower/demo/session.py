"""A session of the demo: a throwaway database and a team at work on it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from firetower.core.errors import FiretowerError
from firetower.settings import RUN_TIMEOUT, SECRET_KEY

if TYPE_CHECKING:
    from firetower.demo.cast import Line
    from firetower.demo.scenarios import Progress
    from firetower.demo.training import Training
    from firetower.tower import Tower

# SQL and the team are imported where they are needed: the app starts while another process does.

PREFIX = "firetower-demo-"
_CHANGE_INTERVAL = (3.0, 6.0)
"""Seconds between two changes at speed 1."""
_TRAIN_INTERVAL = 1.0
"""Seconds between two times that runs log, at speed 1."""
_STEPS_AT_ONCE = 2
_TICKS_BETWEEN = 15
"""Intervals between a run's end and the next one's begin."""
_CRASH_TIMEOUT = "60s"
"""The time without a heartbeat after which a run of the demo has crashed: the shortest allowed."""
BEGUN, FILLED = "begun", "filled"
"""Files beside the database that say how far its history is written."""
_BEGIN_TIMEOUT = 60.0
"""Seconds until a demo that has not begun is given up."""
_SHUTDOWN_TIMEOUT = 5.0
"""Seconds for the change in progress when the session ends."""


@contextmanager
def demo_session(
    speed: float = 1.0, seed: int = 7, now: datetime | None = None, *, play: bool = True
) -> Iterator[str]:
    """Make a database with four months of history, and let a team continue it; yield its URL.

    The team is `speed` times as fast as people; without `play` there is none. `now` is when the
    history ends: the present, unless given. The endpoints answer. Nothing is left when the block
    ends, nor when the process does. Raises FiretowerError.
    """
    from firetower.demo.endpoints import serve
    from firetower.demo.history import fill

    with _folder() as folder, serve() as receiver_url, _own_environment():
        database_url = database_in(folder)
        fill(database_url, now=now or datetime.now(UTC), seed=seed, receiver_url=receiver_url)
        with team(database_url, speed, seed) if play else nullcontext():
            yield database_url


@dataclass(frozen=True, slots=True)
class DemoBeside:
    """A demo whose history is written by another process, the oldest first."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The database's URL."""
        return database_in(self.folder)

    def wait_until_begun(self) -> None:
        """Return once the database has its first weeks. Raises FiretowerError."""
        deadline = time.monotonic() + _BEGIN_TIMEOUT
        while not (self.folder / BEGUN).exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise FiretowerError("the demo could not be prepared", "Look for room in TMPDIR.")
            time.sleep(0.01)

    def is_filled(self) -> bool:
        """Return whether the history is whole, up to the present: then a worker may begin."""
        return (self.folder / FILLED).exists()


@contextmanager
def demo_beside(speed: float = 1.0, seed: int = 7) -> Iterator[DemoBeside]:
    """Start a demo in a process beside this one, so that the app starts meanwhile.

    Nothing is left when the block ends, nor when this process does.
    """
    with _folder() as folder, _own_environment():
        command = [sys.executable, "-P", "-m", "firetower.demo", str(folder), str(speed), str(seed)]
        with subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                yield DemoBeside(folder, process)
            finally:
                process.terminate()  # its database goes anyway


def database_in(folder: Path) -> str:
    """Return the URL of the demo's database in a folder."""
    return f"sqlite:///{folder / 'tower.db'}"


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that is deleted after the block, or after this process if it is killed."""
    # The shell waits for its standard input to close, which even `kill -9` of this process does.
    # A worker may still write there for a moment.
    delete = 'read _; until rm -rf -- "$1"; do sleep 1; done'
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder,
        subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", delete, "sh", folder], stdin=subprocess.PIPE, start_new_session=True
        ),
    ):
        yield Path(folder)


@contextmanager
def _own_environment() -> Iterator[None]:
    """Take the user's key out of the environment, and let runs be crashed soon.

    The demo has a key file beside its data.
    """
    own = {SECRET_KEY: "", RUN_TIMEOUT: _CRASH_TIMEOUT}
    before = {name: os.environ[name] for name in own if name in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def team(database_url: str, speed: float, seed: int) -> Iterator[None]:
    """Let the team work and train on a database until the block ends, in threads."""
    over = threading.Event()
    options = {"speed": speed, "seed": seed, "wait": over.wait}
    # Daemons, because a change that never ends must not keep the process.
    threads = [
        threading.Thread(target=work, args=(database_url,), kwargs=options, daemon=True)
        for work in (simulate, train)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(_SHUTDOWN_TIMEOUT)


def simulate(database_url: str, *, speed: float, seed: int, wait: Callable[[float], bool]) -> None:
    """Run scenarios until `wait`, which takes seconds, returns True.

    The same seed gives the same scenarios. A change by somebody else ends a scenario that it makes
    impossible, not the team's work.
    """
    from firetower.demo.scenarios import Team
    from firetower.store.store import Store
    from firetower.tower import Tower

    chance = Random(seed)  # noqa: S311
    team = Team(chance)
    store = Store.open(database_url)
    with Tower(store) as tower:
        for line in _lines(chance):
            team.progress[line.logged] = _progress(tower, line)
            for step in team.next_scenario(line):
                if wait(chance.uniform(*_CHANGE_INTERVAL) / speed):
                    return
                try:
                    with store.changing() as change:
                        change.author = step.author
                        step.act(change)
                except FiretowerError:
                    break


def train(database_url: str, *, speed: float, seed: int, wait: Callable[[float], bool]) -> None:
    """Let runs train, one of each fate at a time, until `wait` returns True.

    The same seed trains the same runs. What somebody else does to a run ends it, not the training.
    """
    from firetower.demo.training import Fate, live_trainings
    from firetower.store.store import Store
    from firetower.tower import Tower

    with Tower(Store.open(database_url)) as tower:
        lanes = [_train_each(tower, live_trainings(seed, fate)) for fate in Fate]
        while not wait(_TRAIN_INTERVAL / speed):
            for lane in lanes:
                next(lane)


def _train_each(tower: Tower, trainings: Iterator[Training]) -> Iterator[None]:
    """Train one run after the other; each `next` logs a few steps of one."""
    from firetower.core.runs import RunState

    for training in trainings:
        try:
            tower.runs.start(
                str(training.reference.project),
                id=training.id,
                name=training.name,
                user=training.model.owner,
                config=training.config,
            )
            for first in range(0, training.steps, _STEPS_AT_ONCE):
                steps = range(first, min(first + _STEPS_AT_ONCE, training.steps))
                tower.runs.log(training.reference, chain.from_iterable(map(training.points, steps)))
                yield
            if training.end is RunState.FINISHED:
                _log_checkpoint(tower, training)
            if training.end is not RunState.CRASHED:
                code = 1 if training.end is RunState.FAILED else 0
                tower.runs.finish(training.reference, exit_code=code)
        except FiretowerError:
            pass
        for _ in range(_TICKS_BETWEEN):
            yield


def _log_checkpoint(tower: Tower, training: Training) -> None:
    checkpoint = f"s3://checkpoints/{training.id}/last.ckpt"
    tower.log(
        f"{training.model.project}/checkpoints",
        type="checkpoint",
        references=[checkpoint],
        metadata={"model": training.model.name},
        run=training.reference,
    )


def _lines(chance: Random) -> Iterator[Line]:
    """Yield lines of work without end: models twice as often as data and prompts together."""
    from firetower.demo.cast import DATASETS, MODELS, PROMPTS

    while True:
        models = chance.sample(MODELS, len(MODELS))
        others: list[Line] = [*DATASETS, *PROMPTS]
        for number, model in enumerate(models):
            yield model
            if number % 2:
                yield chance.choice(others)


def _progress(tower: Tower, line: Line) -> Progress:
    """Return how far a line of work has come, read from the catalog."""
    from firetower.demo.scenarios import Progress

    logged, linked = tower.versions(line.logged), tower.versions(line.linked)
    indexes = [version.index for version in linked]
    by_alias = {alias: version.index for version in linked for alias in version.aliases}
    return Progress(
        runs=len(logged),
        links=max(indexes, default=-1) + 1,
        serving=by_alias.get("production"),
        fallback=by_alias.get("fallback"),
        unlinked=min(indexes, default=0),
    )
