"""The demo's processes and folders, and waiting for them to be gone."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from towers import environment
from waiting import runs, wait_until

_HOLD = """
import sys
from firetower.demo.session import demo_session
with demo_session(speed=50) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Holder:
    """A process that holds a stage, with the stage's folder and all processes below it."""

    process: subprocess.Popen[str]
    folder: Path
    below: list[psutil.Process]

    def wait_until_gone(self) -> None:
        wait_until(lambda: not any(map(runs, self.below)), "the children to end")
        wait_until(lambda: not self.folder.exists(), "the folder to be deleted")


def folder_of(database_url: str) -> Path:
    return Path(database_url.strip().removeprefix("sqlite:///")).parent


@contextmanager
def holding(tmp_path: Path) -> Iterator[Holder]:
    """Hold a stage in a process of its own, killed when the block ends if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD],
        env=environment("nowhere.db", TMPDIR=str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        folder = folder_of(process.stdout.readline())
        assert (folder / "tower.db").exists()
        below = psutil.Process(process.pid).children(recursive=True)
        assert below
        yield Holder(process, folder, below)
    finally:
        process.kill()
        process.communicate()
