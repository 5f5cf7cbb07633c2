"""A database that fails while a worker works on it."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import firetower
from receiver import Received, Receiver, serve
from towers import linked_model, on_alias, run, webhook, worker
from waiting import TIMEOUT


def _breaks(receiver: Receiver, database: str) -> None:
    """Take the table of answers away while the first one is on its way."""

    def answer(_: Received) -> tuple[int, dict[str, str], bytes]:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("ALTER TABLE attempts RENAME TO elsewhere")
        return 200, {}, b"ok"

    receiver.answer = answer


def _one_firing(database: str, url: str) -> None:
    with firetower.connect(database) as tower:
        webhook(tower, "ci", url)
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "production")


def _assert_two_lines(stderr: str) -> None:
    said = stderr.splitlines()
    assert "Traceback" not in stderr
    assert "attempts" in said[-2]
    assert said[-1] == "Try again; `firetower database info` tells more about it."
    assert said[-3].endswith("stopped")


def test_worker_once_fails_when_its_database_fails(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    with serve() as receiver:
        _breaks(receiver, database)
        _one_firing(database, receiver.url())
        done = run(database, "worker", "--once")
    assert done.returncode == 1
    assert done.stdout == ""
    _assert_two_lines(done.stderr)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_worker_that_cannot_record_its_last_answers_says_so(
    tmp_path: Path, number: signal.Signals
) -> None:
    database = str(tmp_path / "tower.db")
    with serve() as receiver:
        _breaks(receiver, database)
        _one_firing(database, receiver.url())
        with worker(database) as process:
            assert process.stderr is not None
            assert "attempts" in process.stderr.readline()
            process.send_signal(number)
            _, stderr = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 1
    _assert_two_lines(stderr)
