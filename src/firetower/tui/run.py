"""Starting the app."""

from functools import partial

from firetower.store.store import utc_now
from firetower.tower import connect
from firetower.tui.app import FiretowerApp
from firetower.tui.child import WorkerChild


def run_app(database: str | None) -> int:
    """Run the app on a database until it is left; return the exit code."""
    app = FiretowerApp(
        partial(connect, database), clock=utc_now, child=WorkerChild(database), database=database
    )
    app.run()
    return app.return_code or 0
