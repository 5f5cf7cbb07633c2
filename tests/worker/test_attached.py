"""A worker that belongs to the program that started it."""

import subprocess
from pathlib import Path

from firetower.store.store import Store
from towers import COMMAND, environment
from waiting import TIMEOUT


def start(database: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, "worker", "--attached"],
        env=environment(str(database)),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_ends_when_its_stdin_closes(tmp_path: Path) -> None:
    database = tmp_path / "tower.db"
    Store.open(str(database)).close()
    process = start(database)
    assert process.stderr is not None
    assert "started" in process.stderr.readline()
    assert process.poll() is None
    _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert "stopped" in said


def test_it_makes_no_database_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    _, said = start(folder / "tower.db").communicate(timeout=TIMEOUT)
    assert len(said.splitlines()) == 2
    assert not folder.exists()
