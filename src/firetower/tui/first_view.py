"""The first screen's view, read by a process beside the app: `python -m firetower.tui.first_view`.

SQL takes as long to import as the screens do. Here both are imported at once.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from firetower.settings import DATABASE_URL, READ_ONLY

if TYPE_CHECKING:
    from firetower.tower import Tower
    from firetower.tui.container_view import ContainerView, FirstSteps

    FirstView: TypeAlias = tuple[ContainerView, FirstSteps | None]

_LATE = 1.0
"""Seconds that the screen waits for it: then the app opens the database without it."""


@contextmanager
def reading_beside(database: str | None) -> Iterator[Callable[[], FirstView | None]]:
    """Read a database's first view meanwhile; yield what returns it, None if it is late or failed.

    With one processor nothing is read: there it would delay the app.
    """
    if os.cpu_count() == 1:
        yield lambda: None
        return
    environment = {**os.environ, READ_ONLY: "1", **({DATABASE_URL: database} if database else {})}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "firetower.tui.first_view"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield partial(_received, process)
        finally:
            process.kill()


def _received(process: subprocess.Popen[bytes]) -> FirstView | None:
    try:
        written, _ = process.communicate(timeout=_LATE)
    except subprocess.TimeoutExpired:
        return None
    return None if process.returncode else read_view(written)


def read_view(written: bytes) -> FirstView:
    """Return the view that `write_view` returned in another process."""
    view: FirstView = pickle.loads(written)  # noqa: S301
    return view


def write_view(tower: Tower) -> bytes:
    """Read the view of the first screen, and return it as bytes."""
    from firetower.core.references import ContainerKind
    from firetower.tui.container_view import FIRST, read_container, read_first_steps

    view = read_container(tower, ContainerKind.REGISTRY, None, "automations", FIRST)
    return pickle.dumps((view, read_first_steps(tower)))


if __name__ == "__main__":
    from firetower.tower import connect

    sys.stdout.buffer.write(write_view(connect()))
    sys.stdout.flush()
    os._exit(0)  # not closed: SQLite would copy its log to the file first, with the app waiting
