"""The worker beside the app, a real process."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from firetower.worker_process import LOG_LINES, WorkerProcess
from tui.scene import Scene
from tui.screens import TIMEOUT, open_app, press, screen_text, shows, until
from waiting import runs

pytestmark = pytest.mark.anyio

PARENT = """
import asyncio, sys
from firetower.worker_process import WorkerProcess
child = WorkerProcess(sys.argv[1])
async def main():
    running = asyncio.create_task(child.run())
    while child.pid is None:
        await asyncio.sleep(0.01)
    print(child.pid, flush=True)
    await running
asyncio.run(main())
"""


async def holds(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        return runs(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def workers(scene: Scene) -> list[int]:
    return [worker.pid for worker in scene.tower.status().workers]


async def with_child(
    scene: Scene, use: Callable[[WorkerProcess, asyncio.Task[None]], Awaitable[None]]
) -> None:
    """Run a worker beside the test whose waits are short."""
    child = WorkerProcess(str(scene.path), waits=(timedelta(seconds=0.05), timedelta(seconds=0.2)))
    running = asyncio.create_task(child.run())
    try:
        await use(child, running)
    finally:
        await child.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def now(scene: Scene) -> Scene:
    """The furnished database at the present moment, as a real worker sees it."""
    scene.clock = time_of_day  # type: ignore[method-assign]
    scene.store.clock = time_of_day
    return scene


def time_of_day() -> datetime:
    return datetime.now(UTC)


@pytest.mark.slow
async def test_it_works_until_it_is_stopped_gently(now: Scene) -> None:
    async def use(child: WorkerProcess, _: asyncio.Task[None]) -> None:
        await holds(lambda: workers(now) == [child.pid])
        pid = child.pid
        await child.stop()
        assert child.pid is None
        assert pid is not None
        assert not lives(pid)
        assert workers(now) == []

    await with_child(now, use)


@pytest.mark.slow
async def test_one_that_was_killed_is_started_again_and_said(now: Scene) -> None:
    said: list[str] = []

    async def use(child: WorkerProcess, _: asyncio.Task[None]) -> None:
        child.on_exit = said.append
        await holds(lambda: child.pid)
        killed = child.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await holds(lambda: child.pid not in {None, killed})
        await holds(lambda: workers(now) == [child.pid])
        assert said == ["The worker ended: signal 9. It is started again in 0.05 s."]

    await with_child(now, use)


async def test_its_newest_lines_are_kept_and_no_more(now: Scene) -> None:
    async def use(child: WorkerProcess, running: asyncio.Task[None]) -> None:
        running.cancel()
        code = f"for n in range(3 * {LOG_LINES}): print(n, 'x' * 2_000)\nprint('end')"
        child.command = [sys.executable, "-c", code]
        await child._run_once()
        lines = child.log()
        assert len(lines) == LOG_LINES
        assert lines[-1] == (3 * LOG_LINES + 1, "end")
        assert lines[-2][1].startswith(f"{3 * LOG_LINES - 1} xx")
        assert len(lines[-2][1]) <= 1_000

    await with_child(now, use)


@pytest.mark.slow
def test_a_worker_goes_on_while_nobody_reads_its_log(now: Scene) -> None:
    now.automate("record-all")
    now.tower.add_alias("models/resnet:v0", *[f"b{number}" for number in range(2_000)])
    command = [sys.executable, "-m", "firetower.cli", "--database", str(now.path), "worker"]
    with subprocess.Popen(
        [*command, "--attached"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 60
        while now.tower.status().unevaluated or not now.tower.status().workers:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0


async def test_each_death_is_followed_by_a_longer_wait(now: Scene) -> None:
    said: list[str] = []

    async def use(child: WorkerProcess, _: asyncio.Task[None]) -> None:
        child.on_exit = said.append
        child.command = [sys.executable, "-c", "import sys; sys.exit('no such database')"]
        await holds(lambda: len(said) == 4)
        assert [line.rpartition(" in ")[2] for line in said] == [
            "0.05 s.", "0.1 s.", "0.2 s.", "0.2 s."
        ]  # fmt: skip
        assert child.state == "no worker: no such database"

    child_dies_at_once = use
    await with_child(now, child_dies_at_once)


async def test_it_ends_by_itself_when_its_parent_is_killed(now: Scene) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(now.path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        await holds(lambda: workers(now) == [pid])
        parent.kill()
    await holds(lambda: workers(now) == [])
    await holds(lambda: not lives(pid))


async def test_the_app_runs_one_and_takes_it_with_it(now: Scene) -> None:
    child = WorkerProcess(str(now.path))
    async with open_app(now, worker=child) as pilot:
        await until(pilot, lambda: "✓ worker" in screen_text(pilot)[0])
        pid = child.pid
        assert pid is not None
        await press(pilot, "ctrl+q")
    assert not lives(pid)


async def test_the_app_starts_none_where_one_lives(now: Scene) -> None:
    now.beat()
    child = WorkerProcess(str(now.path))
    async with open_app(now, worker=child) as pilot:
        assert "✓ worker" in screen_text(pilot)[0]
        assert child.pid is None


async def test_the_log_of_the_worker_is_one_key_away(scene: Scene) -> None:
    child = WorkerProcess(str(scene.path))
    said = r"print('12:04:31 [b]sent[/b] \x1b[31m'); print('long ' * 60 + 'end', flush=True)"
    code = f"{said}; import sys; sys.stdin.read()"
    child.command = [sys.executable, "-c", code]
    async with open_app(scene, worker=child) as pilot:
        await until(pilot, child.log)
        await press(pilot, "W")
        assert shows(pilot, "Worker's log")
        assert shows(pilot, r"12:04:31 [b]sent[/b] \x1b[31m")
        await press(pilot, "escape", "3", "W")
        assert shows(pilot, "12:04:31")
        assert sum("long" in line for line in screen_text(pilot)) == 3
        assert shows(pilot, "long end")
        await pilot.resize_terminal(200, 50)
        await until(pilot, lambda: sum("long" in line for line in screen_text(pilot)) == 2)
        await press(pilot, "slash", *"end")
        assert shows(pilot, "long long")
        await press(pilot, "escape", "q")
        assert not shows(pilot, "Worker's log")


async def test_of_a_worker_elsewhere_it_is_said_where_its_log_is(scene: Scene) -> None:
    scene.beat()
    async with open_app(scene) as pilot:
        await press(pilot, "W")
        await until(pilot, lambda: shows(pilot, "Worker gpu-7:4121 was not started by this app"))
        assert shows(pilot, "journalctl --user -u firetower -f")
