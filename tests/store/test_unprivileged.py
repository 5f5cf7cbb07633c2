"""A database file of another user's, which this one may read and not write, or not even read."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import firetower

NOBODY = 65534
AS_NOBODY = """
import os, sys
from firetower.cli import cli
from firetower.cli.errors import run

mine, others, *command = sys.argv[1:]
changing = [word for word in command if word != "--read-only"]
run(cli, ["--database", mine, *changing])  # imports what it needs, while that can be read
os.setgroups([])
os.setgid({nobody})
os.setuid({nobody})
sys.stdout.flush()
print("now", file=sys.stderr)
sys.exit(run(cli, ["--database", others, *command]))
"""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become a user without rights"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter, which pytest's own are not."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def others(folder: Path) -> Path:
    path = folder / "tower.db"
    with firetower.connect(str(path)) as tower:
        tower.create_registry("models")
    return path


def _as_nobody(others: Path, *command: str) -> tuple[int, str, list[str]]:
    """Run a command without rights; return its exit code, stdout and lines on stderr."""
    mine = others.with_name("mine.db")
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY.format(nobody=NOBODY), mine, others, *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr.partition("now\n")[2].splitlines()


@pytest.mark.parametrize("command", [("registry", "create", "audio"), ("worker", "--once")])
def test_a_file_that_may_not_be_written_is_said_to_be_read_only(
    others: Path, command: tuple[str, ...]
) -> None:
    others.chmod(0o644)
    code, _, said = _as_nobody(others, *command)
    assert code == 1
    assert said == [
        f"the database {others} is read-only",
        "Make the file and its folder writable for this user, or choose another with --database.",
    ]
    with firetower.connect(str(others)) as tower:
        assert [str(registry.reference) for registry in tower.registries()] == ["models"]


def test_a_file_that_may_not_be_read_is_said_to_be_out_of_reach(others: Path) -> None:
    others.chmod(0o600)
    code, _, said = _as_nobody(others, "registry", "list")
    assert code == 1
    assert said[0].startswith(f"the database {others} cannot be reached")
    assert "rights" in said[1]
    others.parent.chmod(0o600)
    for command in ("registry", "list"), ("database", "info"):
        code, _, said = _as_nobody(others, *command)
        assert (code, len(said)) == (1, 2)
        assert "Permission denied" in said[0]
    code, shown, said = _as_nobody(others, "doctor")
    assert (code, said) == (1, [])
    assert f"the database {others} cannot be reached: Permission denied" in shown


def test_a_reader_without_rights_sees_what_its_owner_has_open(others: Path) -> None:
    others.chmod(0o644)
    with firetower.connect(str(others)) as tower:
        tower.create_registry("audio")
        code, shown, said = _as_nobody(others, "registry", "list", "--json")
        assert (code, said) == (0, [])
        assert '"registry":"models"' in shown
        assert '"registry":"audio"' in shown


@pytest.mark.slow
def test_read_only_reads_a_file_that_nobody_has_open(others: Path) -> None:
    others.chmod(0o644)
    code, shown, said = _as_nobody(others, "--read-only", "registry", "list", "--json")
    assert (code, said) == (0, [])
    assert '"registry":"models"' in shown
    assert not [*others.parent.glob("tower.db-*")]
    _, shown, _ = _as_nobody(others, "doctor")
    assert "durable" in shown
    assert "changes    none can be written" in shown


@pytest.mark.slow
def test_read_only_reads_what_its_owner_has_open_or_left(others: Path) -> None:
    others.chmod(0o644)
    with firetower.connect(str(others)) as tower:
        tower.create_registry("audio")
        code, shown, said = _as_nobody(others, "--read-only", "registry", "list", "--json")
        assert (code, said) == (0, [])
        assert '"registry":"audio"' in shown
        left = {path.name: path.read_bytes() for path in others.parent.glob("tower.db*")}
    for name, content in left.items():  # as a crash leaves it
        (others.parent / name).write_bytes(content)
        (others.parent / name).chmod(0o644)
    code, shown, said = _as_nobody(others, "--read-only", "registry", "list", "--json")
    assert (code, said) == (0, [])
    assert '"registry":"audio"' in shown
    others.with_name("tower.db-shm").unlink()
    code, _, said = _as_nobody(others, "--read-only", "registry", "list")
    assert code == 1
    assert "tower.db-wal" in said[0]
    assert len(said) == 2
