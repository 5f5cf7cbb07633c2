"""The program on a real terminal, from its start to a clean end."""

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


class Window:
    """A terminal of a size, with the program in it."""

    def __init__(self, database: str, folder: Path) -> None:
        source = str(Path(firetower.__file__).parents[1])
        env = environment(database, PYTHONPATH=source, TERM="xterm-256color", LANG="C.UTF-8")
        for name in ("COLUMNS", "LINES"):  # they would hold against every resize
            env.pop(name, None)
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "firetower.cli"],
            env={**env, "XDG_CONFIG_HOME": str(folder)},
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
    window = Window(database, tmp_path)
    yield window
    window.child.close(force=True)


def test_from_start_to_end(window: Window, database: str) -> None:
    window.wait_for("models", "1")
    window.wait_for("✓ worker")
    [child] = psutil.Process(window.child.pid).children()
    added = run(database, "alias", "add", "models/resnet:v0", "production")
    assert added.returncode == 0, added.stderr
    window.wait_for("note-aliases", "models/resnet:v0", "recorded")
    window.resize(120, 40)
    window.wait_for("Registry › models")
    window.wait_for("note-aliases", "models/resnet:v0 ← production")
    window.resize(80, 24)
    window.wait_for("note-aliases", "models/resnet:v0")
    window.child.send("q")
    while window.read():
        pass
    window.child.wait()
    assert (window.child.exitstatus, window.child.signalstatus) == (0, None)
    assert b"\x1b[?1049l" in window.raw[-2_000:]
    assert b"\x1b[?25h" in window.raw[-2_000:]
    assert not child.is_running()
    assert b"Traceback" not in window.raw


def test_it_leaves_the_terminal_as_it_was(window: Window) -> None:
    window.wait_for("models", "1")
    window.child.send("q")
    while window.read():
        pass
    assert termios.tcgetattr(window.child.child_fd)[3] == window.before[3]
