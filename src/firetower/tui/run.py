"""Starting the app."""

from functools import partial

from firetower.store.store import utc_now
from firetower.tower import connect
from firetower.tui.app import FiretowerApp
from firetower.tui.child import WorkerChild
from firetower.tui.config import read_config
from firetower.tui.paths import config_file


def run_app(database: str | None, *, tour: bool = False) -> int:
    """Run the app on a database until it is left, with the tour if asked; return the exit code."""
    app = FiretowerApp(
        partial(connect, database),
        clock=utc_now,
        child=WorkerChild(database),
        database=database,
        config=read_config(config_file()),
        tour=tour,
    )
    app.run()
    return app.return_code or 0
