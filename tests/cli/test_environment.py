"""Commands where the machine lacks something: space, open files, a folder, a home, a sane TZ."""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryFile

import click
import pytest

import forked
from cli.shell import SCRIPT, Shell
from firetower.cli import errors
from firetower.core.errors import InvalidInput
from firetower.core.executions import Status
from firetower.settings import config_file
from firetower.store.location import Location
from firetower.store.store import Store
from firetower.tower import connect
from waiting import TIMEOUT, wait_until

FULL = Path("/dev/full")
PRINTING = [
    ("--help",),
    ("--version",),
    ("feed", "--help"),
    ("completion", "bash"),
    ("registry", "list"),
    ("registry", "show", "models", "--json"),
    ("show", "models/resnet:v0"),
    ("secret", "list"),
    ("webhook", "test", "ci"),
    ("automation", "show", "deploy"),
    ("events",),
    ("explain", "1"),
    ("backtest", "deploy", "--json"),
    ("log", "acme/vision/resnet", "model.pt", "--type", "model"),
    ("database", "info"),
    ("doctor",),
]


def run_with(shell: Shell, stdout: Path, stderr: Path | None, *arguments: str) -> tuple[int, str]:
    """Run a command with these files as its outputs; return how it ended and what it said."""
    with (
        stdout.open("wb") as output,
        stderr.open("wb") if stderr else TemporaryFile() as said,
        Path(os.devnull).open("rb") as given,
    ):
        files = (given.fileno(), output.fileno(), said.fileno())
        code = forked.run_on(files, arguments, shell.environment, shell.folder)
        if stderr:
            return code, ""
        said.seek(0)
        return code, said.read().decode()


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_output_that_cannot_be_written_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    code, said = run_with(shell, FULL, None, *arguments)
    assert (code, len(said.splitlines())) == (1, 2), said
    assert "the output cannot be written: No space left on device" in said
    assert run_with(shell, FULL, FULL, *arguments) == (1, "")


def test_messages_that_cannot_be_written_do_not_fail_what_was_done(shell: Shell) -> None:
    assert run_with(shell, Path(os.devnull), FULL, "registry", "create", "more") == (0, "")
    assert run_with(shell, Path(os.devnull), FULL, "registry", "create", "more") == (1, "")


@pytest.mark.slow
def test_worker_goes_on_where_its_log_cannot_be_written(shell: Shell) -> None:
    def finished() -> int:
        with connect(str(shell.database)) as tower:
            return len(tower.executions.newest(9, status=Status.FINISHED))

    with FULL.open("wb") as full:
        worker = subprocess.Popen(
            [SCRIPT, "worker"], env=shell.environment, stdout=full, stderr=full
        )
    try:
        for count, alias in enumerate(("prod-a", "prod-b"), 1):
            shell.ok("alias", "add", "models/resnet:v0", alias)
            wait_until(lambda: finished() == count, alias)  # noqa: B023 - called at once
    finally:
        worker.terminate()
        worker.wait(TIMEOUT)


@pytest.mark.parametrize(
    ("closing", "command", "code", "lines"),
    [
        (">&-", "registry list", 1, 2),
        ("<&- >&-", "registry create more", 0, 1),
        ("<&-", "secret set NEW", 1, 2),
        ("<&-", "", 0, 0),
        ("<&- >&- 2>&-", "registry list", 1, 0),
        ("<&- >&- 2>&-", "worker --once", 0, 0),
    ],
)
def test_closed_standard_files(
    shell: Shell, closing: str, command: str, code: int, lines: int
) -> None:
    before = shell.objects("registry", "list")
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec '{SCRIPT}' {command} {closing}"],
        env=shell.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (code, lines), done.stderr
    assert shell.objects("registry", "list")[: len(before)] == before


@pytest.mark.slow
def test_folder_that_is_gone(shell: Shell) -> None:
    gone = "mkdir gone && cd gone && rmdir ../gone && exec"
    for command, code in (("registry list", 0), ("--database made.db registry create new", 1)):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{gone} '{SCRIPT}' {command}"],
            env=shell.environment,
            cwd=shell.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        assert len(done.stderr.splitlines()) == 2 * code


@pytest.mark.parametrize("zone", ["UTC+25", "Mars/Olympus", ":::"])
def test_time_zone_that_there_is_not(shell: Shell, zone: str) -> None:
    for arguments in (("events",), ("feed", "--since", "2026-01-01"), ("automation", "list")):
        done = shell.run(*arguments, TZ=zone)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert ("using UTC" in done.stderr) == (zone == "UTC+25")


def test_user_without_a_home(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    for url in (None, "~/tower.db", "~nobody-here/tower.db", "sqlite:///~/tower.db"):
        with pytest.raises(InvalidInput, match="home folder"):
            Location.of(url)
    with pytest.raises(InvalidInput, match="home folder"):
        _ = Location.of("postgresql://h/tower").key_file
    assert not config_file().read_text()
    monkeypatch.chdir(shell.folder)
    Store.open(str(shell.database)).close()
    assert not (shell.folder / "~").exists()


@pytest.mark.parametrize(
    "want",
    [
        MemoryError(),
        RuntimeError("can't start new thread"),
        ImportError("_rust.abi3.so: failed to map segment from shared object"),
        SystemError("<function _find_and_load> returned NULL without setting an exception"),
    ],
)
def test_want_of_memory_is_said_in_two_lines(
    want: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise want

    assert errors.run(click.Command("worker", callback=fail), []) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_want_of_file_handles_is_said_in_two_lines(shell: Shell) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"ulimit -n 8 && exec '{SCRIPT}' worker --once"],
        env=shell.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2), done.stderr
    assert "ulimit -n" in done.stderr
