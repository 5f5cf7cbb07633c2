"""Running a command of the command line as a child process."""

import asyncio
import contextlib
import json
import os
import sys
from typing import Any

from firetower.core.errors import FiretowerError, StoreError

PROGRAM = (sys.executable, "-m", "firetower.cli")
_VARIABLE = "FIRETOWER_DATABASE_URL"


def environment_of(database: str | None) -> dict[str, str]:
    """Return the environment in which a command works on a database; None is the default one.

    By the environment, for a URL may hold a password, and everyone on the machine sees arguments.
    """
    return dict(os.environ) if database is None else {**os.environ, _VARIABLE: database}


async def run_command(database: str | None, *arguments: str) -> dict[str, Any]:
    """Run a command that prints one JSON object, and return that.

    The process ends with the task that waits for it. Raises FiretowerError with the two lines
    that the command was refused with.
    """
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment_of(database),
    )
    try:
        said, refused = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        found = json.loads(said)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    raise _refusal(refused.decode(errors="replace"), process.returncode)


def _refusal(said: str, code: int | None) -> FiretowerError:
    lines = [line for line in said.splitlines() if line.strip()][-2:]
    if len(lines) == 2:
        return FiretowerError(*lines)
    return StoreError(
        lines[0] if lines else f"the command ended with exit code {code} and said nothing",
        "Run it in a shell to see more.",
    )
