"""The worker as a child process beside the app."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

from firetower.tui.command import PROGRAM, environment_of

_WAITS = timedelta(seconds=1), timedelta(seconds=60)
"""The wait after the first death, and the longest; each is twice as long as the one before."""
_LIVED_WELL = 30.0
"""Seconds after which a worker that ends is started anew without a longer wait."""
STARTING = "worker starting"
_GRACE = 10.0
"""Seconds that a worker has to end what it is doing."""


class WorkerChild:
    """Starts `firetower worker`, and starts it again with longer waits when it dies.

    It ends when its standard input closes, so it never outlives the app, however that ends.
    """

    def __init__(
        self, database: str | None, *, waits: tuple[timedelta, timedelta] = _WAITS
    ) -> None:
        self.command = [*PROGRAM, "worker", "--attached"]
        self._environment = environment_of(database)
        self._waits = waits
        self._stopped = False
        self.tell: Callable[[str], None] | None = None
        """Called when it has died."""
        self._process: asyncio.subprocess.Process | None = None
        self.said = STARTING
        """What is known of it, in a few words."""

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def run(self) -> None:
        """Keep a worker running until it is stopped."""
        first, longest = self._waits
        wait = first
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            why = await self._run_once()
            if self._stopped:
                return
            if loop.time() - began > _LIVED_WELL:
                wait = first
            seconds = wait.total_seconds()
            self.said = f"no worker: {why}"
            if self.tell is not None:
                self.tell(f"The worker ended: {why}. It is started again in {seconds:g} s.")
            await asyncio.sleep(seconds)
            wait = min(wait * 2, longest)

    async def _run_once(self) -> str:
        """Run it to its end; return what it said last."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        self.said = STARTING
        last = ""
        assert process.stderr is not None
        async for line in process.stderr:
            last = line.decode(errors="replace").strip() or last
        code = await process.wait()
        return f"signal {-code}" if code < 0 else last or f"exit {code}"

    async def stop(self) -> None:
        """Let it finish what it is sending, then end it."""
        self._stopped = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _GRACE)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
