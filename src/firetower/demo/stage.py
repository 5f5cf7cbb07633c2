"""A stage: a throwaway database with a team at work, gone when the block ends."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from firetower.core.errors import FiretowerError

_PATIENCE = 10.0
"""Seconds for the child to clear up after itself."""


class Stage:
    """A simulated team on a database of its own.

    `with Stage() as stage:` gives a database full of history at `stage.database_url` and, unless
    `play` is False, a team that goes on working, `speed` times as fast as people. `now` is when
    the history ends: the present, unless given. Endpoints answer at `stage.receiver_url`. When the
    block ends, or its process does, nothing is left. Raises FiretowerError.
    """

    def __init__(
        self,
        speed: float = 1.0,
        seed: int = 7,
        now: datetime | None = None,
        *,
        play: bool = True,
    ) -> None:
        self.database_url = ""
        self.receiver_url = ""
        self._speed = speed
        self._seed = seed
        self._now = now
        self._play = play
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            child = stack.enter_context(_child(self._speed, self._seed))
            self.receiver_url = child.receiver_url
            self.database_url = f"sqlite:///{Path(child.folder, 'tower.db')}"
            stack.enter_context(_own_key())
            self._set_up(child)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def _set_up(self, child: "_Child") -> None:
        from firetower.demo.past import fill

        now = self._now or datetime.now(UTC)
        fill(self.database_url, now=now, seed=self._seed, receiver_url=self.receiver_url)
        if self._play:
            child.say(f"play {self.database_url}")


class _Child:
    """The process that plays; it owns the folder, and ends when its stdin closes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self.folder = ""
        self.receiver_url = ""

    def say(self, line: str) -> None:
        """Send it a line."""
        self._stdin.write(f"{line}\n")
        self._stdin.flush()

    def hear(self) -> str:
        """Return the next line it says. Raises FiretowerError where it has ended."""
        line = self._stdout.readline().strip()
        if not line:
            raise FiretowerError(
                "the demo's process ended before it was ready",
                "Try again; `python -m firetower.demo.play` says why it ends.",
            )
        return line

    def end(self) -> None:
        """Let it end, and see to it that nothing is left."""
        with suppress(BrokenPipeError):
            self._stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def _child(speed: float, seed: int) -> Iterator[_Child]:
    """Run the process that plays until the block ends."""
    options = ["--speed", str(speed), "--seed", str(seed)]
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "firetower.demo.play", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # a Ctrl-C or a closed terminal reaches it through its stdin only
    )
    child = _Child(process)
    try:
        child.folder, child.receiver_url = child.hear(), child.hear()
        yield child
    finally:
        child.end()


@contextmanager
def _own_key() -> Iterator[None]:
    """Take the user's key out of the environment: the demo has a key file beside its data."""
    from firetower.store.keys import KEY_VARIABLE

    value = os.environ.pop(KEY_VARIABLE, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[KEY_VARIABLE] = value
