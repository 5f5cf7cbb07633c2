"""A session leaves nothing, however it ends."""

import os
import signal
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

import firetower
from demo.data import NOW, contents
from demo.processes import folder_of, holding
from firetower.demo.session import demo_beside, demo_session
from firetower.settings import SECRET_KEY
from waiting import runs, wait_until


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stages of a test make their folders."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_session_is_ready_when_entered_and_gone_when_left(here: Path) -> None:
    others = psutil.Process().children()
    with demo_session() as url:
        folder = folder_of(url)
        assert folder.parent == here
        assert folder.name.startswith("firetower-demo-")
        with firetower.connect(url) as tower:
            assert len(tower.events.newest(10_000)) > 500
        [child] = set(psutil.Process().children()) - set(others)
    assert list(here.iterdir()) == []
    assert not runs(child)


@pytest.mark.slow
def test_an_error_in_the_block_leaves_nothing(here: Path) -> None:
    with pytest.raises(LookupError), demo_session(play=False):
        raise LookupError
    assert list(here.iterdir()) == []


@pytest.mark.slow
def test_session_ends_its_history_at_the_given_moment(here: Path) -> None:
    with demo_session(seed=3, now=NOW, play=False) as url:
        database = folder_of(url) / "tower.db"
        before = contents(database)
        with firetower.connect(url) as tower:
            newest = tower.events.newest(1)[0].recorded_at
        assert timedelta(0) < NOW - newest < timedelta(minutes=1)
        assert contents(database) == before


@pytest.mark.slow
def test_demo_beside_can_be_opened_before_its_history_is_whole(here: Path) -> None:
    with demo_beside(speed=100) as demo:
        demo.wait_until_begun()
        with firetower.connect(demo.url) as tower:
            first = tower.executions.newest(1)[0]
            assert not demo.is_filled()
            assert len(tower.registries()) == 3
            assert first.created_at < datetime.now(UTC) - timedelta(days=60)
            wait_until(demo.is_filled, "the history")
            assert tower.executions.newest(1)[0].created_at > datetime.now(UTC) - timedelta(hours=1)
            newest = tower.events.newest(1)[0].id
            wait_until(lambda: tower.events.newest(1)[0].id > newest, "the team")
        child = psutil.Process(demo.process.pid)
    assert list(here.iterdir()) == []
    assert not runs(child)


@pytest.mark.slow
def test_the_users_key_stays_out_of_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_KEY, "not a key at all")
    with demo_session(play=False) as url:
        assert not os.environ[SECRET_KEY]
        assert (folder_of(url) / "tower.key").exists()
    assert os.environ[SECRET_KEY] == "not a key at all"


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        signal.SIGKILL,
    ],
)
def test_a_signal_to_its_process_leaves_nothing(number: signal.Signals, here: Path) -> None:
    with holding(here) as holder:
        # Again where it is lost: Python drops the interrupt that comes while it frees an object.
        for _ in range(10):
            holder.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                holder.process.wait(5)
                break
        holder.wait_until_gone()
    assert list(here.iterdir()) == []


@pytest.mark.slow
def test_the_end_of_the_watchdog_leaves_nothing_either(here: Path) -> None:
    others = psutil.Process().children()
    with demo_session() as url:
        folder = folder_of(url)
        [child] = set(psutil.Process().children()) - set(others)
        child.kill()
        child.wait(30)
        assert folder.exists()
    assert not folder.exists()
    assert list(here.iterdir()) == []
