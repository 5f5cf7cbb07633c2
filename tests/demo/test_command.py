"""`firetower demo` as a person runs it."""

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from towers import COMMAND, environment, run
from waiting import runs, wait_until


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, "demo", "--headless", *arguments],
        env=environment("nowhere.db", TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_headless_prints_the_feed_until_ctrl_c_and_leaves_nothing(tmp_path: Path) -> None:
    process = start(tmp_path, "--speed", "100")
    try:
        assert process.stdout is not None
        past = [process.stdout.readline() for _ in range(20)]
        coming = [process.stdout.readline() for _ in range(10)]
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(below) == 2
        assert any("canary-gate" in line for line in past)
        assert all("  " in line for line in coming)
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "gone" in said
    assert not [child for child in below if runs(child)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_headless_killed_outright_leaves_nothing(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(runs, below)), "its children")
    wait_until(lambda: list(tmp_path.iterdir()) == [], "its folder")
    process.communicate()


def test_without_a_terminal_it_says_what_to_do() -> None:
    refused = run("nowhere.db", "demo", given="")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 2
    assert "--headless" in refused.stderr


def test_a_database_of_the_users_is_refused(tmp_path: Path) -> None:
    refused = run("nowhere.db", "demo", "--headless", "--database", str(tmp_path / "mine.db"))
    assert refused.returncode == 1
    assert "its own" in refused.stderr
    assert list(tmp_path.iterdir()) == []
