"""The program on a real terminal, from its start to a clean end."""

import os
import signal
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil
import pyte
import pytest

import firetower
from firetower.core.actions import NoAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from towers import environment, linked_model, run
from waiting import runs, wait_until


class Window:
    """A terminal of a size, with the program in it."""

    def __init__(self, database: str, folder: Path, *command: str) -> None:
        source = str(Path(firetower.__file__).parents[1])
        env = environment(database, PYTHONPATH=source, TERM="xterm-256color", LANG="C.UTF-8")
        for name in ("COLUMNS", "LINES"):  # they would hold against every resize
            env.pop(name, None)
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        self.child = pexpect.spawn(
            command[0] if command else sys.executable,
            list(command[1:]) or ["-m", "firetower.cli"],
            env={**env, "XDG_CONFIG_HOME": str(folder), "PS1": "shell> "},
            dimensions=(24, 80),
        )
        self.raw = b""
        self.before = termios.tcgetattr(self.child.child_fd)

    def shows(self, *words: str) -> bool:
        return any(all(word in line for word in words) for line in self.screen.display)

    def wait_for(self, *words: str, timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while not self.shows(*words):
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            self.read()

    def wait_for_all(self, lines: list[str]) -> None:
        """Wait until the screen shows these lines, and nothing else."""
        deadline = time.monotonic() + 60
        while list(self.screen.display) != lines:
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            self.read()

    def read(self) -> bool:
        """Take in what was written; return False at the end."""
        try:
            data = self.child.read_nonblocking(65_536, timeout=0.2)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    def read_to_end(self) -> None:
        while self.read():
            pass
        self.child.wait()

    def wipe(self) -> None:
        """Forget what was drawn, as a terminal does that changes to its other screen."""
        self.screen.reset()

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        self.child.setwinsize(lines, columns)


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "tower.db")
    with firetower.connect(path, author="ada") as tower:
        linked_model(tower)
        tower.automations.create(
            Definition(
                name="note-aliases",
                scope=ContainerScope(container=ContainerReference.registry("models")),
                event_type=EventType.ADD_ARTIFACT_ALIAS,
                action=NoAction(),
            )
        )
    return path


@pytest.fixture
def window(database: str, tmp_path: Path) -> Iterator[Window]:
    # Textual draws on standard error, which here is none.
    window = Window(database, tmp_path, "sh", "-c", f"exec {sys.executable} -m firetower.cli 2>&-")
    yield window
    window.child.close(force=True)


def worker_of(pid: int) -> psutil.Process:
    """Return the app's worker; on a busy machine its first rows may still be read beside it."""
    children = psutil.Process(pid).children()
    [worker] = [one for one in children if "worker" in one.cmdline()]
    return worker


def test_from_start_to_end(window: Window, database: str) -> None:
    window.wait_for("models", "1")
    window.wait_for("✓ worker")
    child = worker_of(window.child.pid)
    window.child.send(b"\xe9\xff")  # typed on a terminal that is not UTF-8
    added = run(database, "alias", "add", "models/resnet:v0", "production")
    assert added.returncode == 0, added.stderr
    window.wait_for("note-aliases", "models/resnet:v0", "recorded")
    window.resize(120, 40)
    window.wait_for("Registries › models")
    window.wait_for("note-aliases", "models/resnet:v0 ← production")
    window.resize(80, 24)
    window.wait_for("note-aliases", "models/resnet:v0")
    window.child.send("\x11")
    window.read_to_end()
    assert (window.child.exitstatus, window.child.signalstatus) == (0, None)
    assert_left(window)
    assert not runs(child)


def assert_left(window: Window) -> None:
    """Expect the terminal as it was: its screen, its cursor, its mouse, its keys."""
    for mode in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?2004l"):
        assert mode in window.raw[-2_000:]
    assert b"Traceback" not in window.raw
    assert termios.tcgetattr(window.child.child_fd)[3] == window.before[3]


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
        pytest.param(signal.SIGQUIT, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGUSR1, marks=pytest.mark.slow),
        pytest.param(signal.SIGXCPU, marks=pytest.mark.slow),
    ],
)
def test_signals_end_it_as_a_key_does(window: Window, number: signal.Signals) -> None:
    window.wait_for("models", "1")
    window.wait_for("✓ worker")
    worker = worker_of(window.child.pid)
    window.child.kill(number)
    window.read_to_end()
    assert window.child.exitstatus == 128 + number
    assert_left(window)
    assert not runs(worker)


BREAKS = """
import asyncio, signal
from firetower.cli import main
from firetower.tui import app

def fail(*_): raise TypeError("no such thing")

def broken(running, end=app.end_on_signals):
    def strike():
        if {part!r} == "loop":
            asyncio.get_running_loop()._run_once = fail
        else:
            type(running._driver).write = fail
            running.refresh()
    end(running)
    if {part!r} == "start":
        signal.raise_signal(signal.SIGTERM)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, strike)

app.end_on_signals = broken
main([])
"""


@pytest.mark.parametrize("part", ["loop", pytest.param("driver", marks=pytest.mark.slow)])
def test_any_failure_ends_the_app_with_two_lines(database: str, tmp_path: Path, part: str) -> None:
    code = BREAKS.format(part=part)
    window = Window(database, tmp_path, sys.executable, "-c", code)
    try:
        window.wait_for("✓ worker")
        window.child.kill(signal.SIGUSR1)
        window.read_to_end()
        assert (window.child.exitstatus, window.child.signalstatus) == (1, None)
        assert_left(window)
        assert window.shows("something went wrong that must not", "no such thing")
        assert window.shows("It is a defect of Firetower")
    finally:
        window.child.close(force=True)


def test_a_signal_at_its_start_ends_it_as_a_key_does(database: str, tmp_path: Path) -> None:
    window = Window(database, tmp_path, sys.executable, "-c", BREAKS.format(part="start"))
    window.read_to_end()
    assert window.child.exitstatus == 128 + signal.SIGTERM
    assert_left(window)
    assert not window.shows("something went wrong")


@pytest.mark.slow
@pytest.mark.parametrize("hangup", ["heard", "ignored"])
def test_it_ends_with_the_terminal(database: str, tmp_path: Path, hangup: str) -> None:
    trap = "trap '' HUP; " if hangup == "ignored" else ""
    command = f"{trap}exec {sys.executable} -m firetower.cli"
    window = Window(database, tmp_path, "sh", "-c", command)
    window.wait_for("models", "1")
    window.wait_for("✓ worker")
    worker = worker_of(window.child.pid)
    with Path(os.devnull).open() as null:
        os.dup2(null.fileno(), window.child.child_fd)
    window.child.wait()
    assert window.child.exitstatus == 128 + signal.SIGHUP
    assert not runs(worker)


@pytest.fixture
def shell(database: str, tmp_path: Path) -> Iterator[Window]:
    window = Window(database, tmp_path, "bash", "--norc", "--noprofile", "-i")
    yield window
    window.child.close(force=True)


def whole_screen(window: Window) -> list[str]:
    """Return what is drawn once all of it is."""
    for words in ("models", "✓ worker", "Nothing has fired yet.", "? Help"):
        window.wait_for(words)
    return list(window.screen.display)


def has_resumed(lines: list[str]) -> bool:
    """Return whether the shell has resumed a job in the background, and asks for more."""
    resumed = [number for number, line in enumerate(lines) if line.rstrip().endswith("&")]
    return any("shell>" in line for number in resumed for line in lines[number + 1 :])


@pytest.mark.slow
def test_a_shell_stops_it_and_goes_on(shell: Window) -> None:
    shell.wait_for("shell>")
    shell.child.sendline(f"{sys.executable} -m firetower.cli")
    shell.wait_for("models", "1")
    whole = whole_screen(shell)
    [program] = psutil.Process(shell.child.pid).children()
    for number in (None, signal.SIGTSTP, signal.SIGSTOP):
        shell.wipe()
        if number is None:
            shell.child.send("\x1a")
        else:
            program.send_signal(number)
        shell.wait_for("Stopped")
        shell.child.sendline("bg")
        while not has_resumed(shell.screen.display):
            shell.read()
        # A shell that does not know yet that it stopped again would not resume it.
        wait_until(lambda: program.status() == psutil.STATUS_STOPPED, "the program to stop")
        shell.wipe()
        shell.child.sendline("fg")
        shell.wait_for_all(whole)
    shell.wipe()
    shell.child.send("\x11")
    shell.wait_for("shell>")
    assert b"\x1b[?1049l" in shell.raw[-2_000:]


@pytest.mark.slow
def test_a_shell_stops_it_with_the_demo_that_it_waits_for(shell: Window) -> None:
    shell.wait_for("shell>")
    shell.child.sendline(f"{sys.executable} -m firetower.cli")
    shell.wait_for("M Demo")
    shell.child.send("M")
    shell.wait_for("Tour 1/6", "team works in here")
    shell.child.send("\x1a")
    shell.wait_for("Stopped")
    shell.wipe()
    shell.child.sendline("fg")
    shell.wait_for("Tour 1/6", "team works in here")
    shell.child.send("\x11")
    shell.wait_for("M Demo")
    shell.child.send("\x11")
    shell.wait_for("shell>")


@pytest.mark.slow
def test_it_draws_all_of_it_again(window: Window) -> None:
    whole = whole_screen(window)
    window.wipe()
    window.child.send("\x0c")
    window.wait_for_all(whole)
