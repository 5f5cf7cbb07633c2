"""Starting the app."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firetower.tui.app import FiretowerApp
from firetower.tui.child import WorkerChild
from firetower.tui.config import read_config
from firetower.tui.paths import config_file

if TYPE_CHECKING:
    from firetower.tower import Tower

_OBJECTS = 50_000
"""New objects between two collections: thousands of automations would set off hundreds of them."""


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
        child=None if read_only else WorkerChild(database),
        database=database,
        config=read_config(config_file()),
        tour=tour,
    )
    gc.freeze()
    gc.set_threshold(_OBJECTS, 20, 20)
    app.run()
    return app.return_code or 0
