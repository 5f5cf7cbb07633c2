"""A disk that fills up under a database, and is given room again."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import firetower
from faults.invariants import check, gather
from faults.processes import (
    start_logger,
    start_worker,
    wait_for_peace,
    wait_for_workers,
)
from receiver import serve
from towers import linked_model, on_alias, run, webhook
from waiting import wait_until

MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB: less than SQLite's log grows to before it begins anew in its old room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _fill(disk: Path) -> Path:
    """Take what room is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return ballast


def test_a_full_disk_refuses_changes_and_loses_none(small_disk: Path) -> None:
    database = str(small_disk / "tower.db")
    with serve() as receiver:
        with firetower.connect(database) as tower:
            webhook(tower, "ci", receiver.url())
            version = linked_model(tower)
            on_alias(tower, "deploy", "ci")
        with ExitStack() as programs:
            worker = programs.enter_context(start_worker(database))
            wait_for_workers(database, 1)  # or the log fills the disk before it is up
            logger = programs.enter_context(start_logger(database, version, 0))
            receiver.wait_for(20)
            ballast = _fill(small_disk)
            wait_until(lambda: logger.refused > 0, "a change to be refused")
            wait_until(lambda: "cannot grow" in worker.said, "the worker to say so")
            refused = run(database, "alias", "add", version, "no-room")
            assert refused.returncode == 1
            assert refused.stdout == ""
            assert len(refused.stderr.splitlines()) == 2
            assert "cannot grow" in refused.stderr
            assert f"the disk of {database} is full" in run(database, "doctor").stdout
            once = run(database, "worker", "--once")
            assert once.returncode == 1
            assert "Traceback" not in once.stderr
            ballast.unlink()
            before = len(receiver.requests)
            receiver.wait_for(before + 20)
            logger.kill()
            wait_for_peace(database)
            assert worker.lives
            assert "Traceback" not in worker.said, worker.said
        evidence = gather(database, logger.acknowledged, receiver.requests)
        check(evidence)
        assert "no-room" not in evidence.events
