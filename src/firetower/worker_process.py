"""The worker as a child process beside the app, or the server."""

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from firetower.settings import DATABASE_URL

RETRY_DELAY = timedelta(seconds=1), timedelta(seconds=60)
"""The wait after the first exit, and the longest; each is twice as long as the one before."""
HEALTHY_AFTER = 30.0
"""Seconds of running after which the next wait is the first one again."""
STARTING = "worker starting"
SHUTDOWN_TIMEOUT = 10.0
"""Seconds that a worker has to finish its requests before it is killed."""
LOG_LINES = 500
"""Lines kept of what it prints, the newest."""
_POLL_INTERVAL = 0.1
_CHUNK = 65_536
_MAX_LINE = 1_000
"""Characters kept of a line."""


class WorkerProcess:
    """Starts `firetower worker`, and starts it again with longer waits when it exits.

    It ends when its standard input closes, so it never outlives its parent, however that ends.
    """

    def __init__(
        self,
        database: str | None,
        *,
        waits: tuple[timedelta, timedelta] = RETRY_DELAY,
        may_work: Callable[[], bool] = lambda: True,
    ) -> None:
        """Work on a database, None is the default one, from when `may_work` says so."""
        self.command = [sys.executable, "-P", "-m", "firetower.cli", "worker", "--attached"]
        # By the environment: a URL may hold a password, and everyone here sees arguments.
        self._environment = {**os.environ, **({DATABASE_URL: database} if database else {})}
        self._first_wait, self._longest_wait = (wait.total_seconds() for wait in waits)
        self._may_work = may_work
        self._stopped = False
        self.on_exit: Callable[[str], None] | None = None
        """Called with a sentence when it has exited."""
        self._process: asyncio.subprocess.Process | None = None
        self.state = STARTING
        """What is known of it, in a few words."""
        self._lines: deque[tuple[int, bytes]] = deque(maxlen=LOG_LINES)
        self._printed = 0

    @property
    def pid(self) -> int | None:
        """The process's id, while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def run(self) -> None:
        """Keep a worker running until it is stopped."""
        wait = self._first_wait
        loop = asyncio.get_running_loop()
        while not self._may_work():  # noqa: ASYNC110 - another process says so
            await asyncio.sleep(_POLL_INTERVAL)
        while True:
            began = loop.time()
            reason = await self._run_once()
            if self._stopped:
                return
            if loop.time() - began > HEALTHY_AFTER:
                wait = self._first_wait
            self.state = f"no worker: {reason}"
            if self.on_exit is not None:
                self.on_exit(f"The worker ended: {reason}. It is started again in {wait:g} s.")
            await asyncio.sleep(wait)
            wait = min(wait * 2, self._longest_wait)

    async def _run_once(self) -> str:
        """Run it until it exits; return its last line, or else its exit code."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        self.state = STARTING
        assert process.stdout is not None
        assert process.stderr is not None
        _, last = await asyncio.gather(self._log(process.stdout), self._log(process.stderr))
        code = await process.wait()
        return f"signal {-code}" if code < 0 else last or f"exit {code}"

    async def _log(self, stream: asyncio.StreamReader) -> str:
        """Keep the newest lines of a stream until it ends; return the last one.

        In large pieces, because a busy worker prints thousands of lines a second.
        """
        rest, last = b"", b""
        while chunk := await stream.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-_CHUNK:]
            self._printed += len(lines)
            first = self._printed - len(lines)
            kept = list(enumerate(lines, first + 1))[-LOG_LINES:]
            self._lines.extend((number, line[:_MAX_LINE]) for number, line in kept)
            last = next((line for line in reversed(lines) if line.strip()), last)
        return (rest.strip() or last).decode(errors="replace").strip()

    def log(self) -> list[tuple[int, str]]:
        """Return the newest lines that it has printed, in order, each with its number from 1."""
        return [(number, line.decode(errors="replace").rstrip()) for number, line in self._lines]

    async def stop(self) -> None:
        """Let it finish its requests, then end it."""
        self._stopped = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), SHUTDOWN_TIMEOUT)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
