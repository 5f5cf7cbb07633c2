"""A program on a real terminal, with the time at which each of its bytes came."""

import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import pexpect
import psutil


class Terminal:
    """Runs a program on a pty and keeps what it writes."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (40, 120)
    ) -> None:
        self.started = time.monotonic()
        self._child = pexpect.spawn(
            command[0], list(command[1:]), env=dict(env), dimensions=size, timeout=60
        )
        self._child.delaybeforesend = None
        self.written = bytearray()
        self._ends: list[int] = []
        self._times: list[float] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = self._child.read_nonblocking(65_536, timeout=None)
            except (pexpect.EOF, pexpect.TIMEOUT, OSError):
                return
            now = time.monotonic()
            with self._more:
                self.written += data
                self._ends.append(len(self.written))
                self._times.append(now)
                self._more.notify_all()

    @property
    def process(self) -> psutil.Process:
        """The program."""
        return psutil.Process(self._child.pid)

    def send(self, keys: str) -> float:
        """Press keys; return when."""
        now = time.monotonic()
        self._child.send(keys)
        return now

    def when(self, text: bytes, after: int = 0, timeout: float = 60) -> float:
        """Return when a text was written, after a place in the output; b"" is any output."""
        deadline = time.monotonic() + timeout
        with self._more:
            while True:
                place = self.written.find(text, after)
                if place >= 0 and len(self.written) > after:
                    return self._times[bisect_left(self._ends, place + max(len(text), 1))]
                if not self._more.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{text!r} did not come")

    def rest(self, quiet: float = 0.6) -> None:
        """Wait until nothing has been written for so many seconds."""
        size = -1
        while size != len(self.written):
            size = len(self.written)
            time.sleep(quiet)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.close(force=True)
        self._reader.join(5)
