"""Starting the app."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firetower.settings import config_file
from firetower.tui.app import FiretowerApp
from firetower.tui.config import read_config
from firetower.tui.garbage import Garbage
from firetower.tui.worker_process import WorkerProcess

if TYPE_CHECKING:
    from firetower.tower import Tower


def run_app(database: str | None, *, tour: bool = False, read_only: bool = False) -> int:
    """Run the app on a database until it is left, with the tour if asked; return the exit code.

    With `read_only` nothing is changed, and no worker is started.
    """

    def connect() -> Tower:
        from firetower.tower import connect  # SQL takes longer to import than the screen

        return connect(database, read_only=read_only)

    app = FiretowerApp(
        connect,
        clock=lambda: datetime.now(UTC),
        worker=None if read_only else WorkerProcess(database),
        config=read_config(config_file()),
        garbage=Garbage(),
        tour=tour,
    )
    app.run()
    return app.return_code or 0
