"""The status in the top line of every screen, and a worker process while none is alive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App
from textual.content import Content

from firetower.core.errors import FiretowerError
from firetower.tui.background import start_worker
from firetower.tui.messages import DatabaseChanged
from firetower.tui.session import Refresh, Tower, session_of
from firetower.tui.widgets.bar import status_text

if TYPE_CHECKING:
    from firetower.store.status import DatabaseStatus
    from firetower.worker_process import WorkerProcess

SHOW_INTERVAL = 5.0
"""Seconds after which it is shown again: the last event has grown older."""


class StatusLine:
    """Reads the status, shows it, and starts a worker process if no worker is alive."""

    def __init__(
        self, app: App[None], worker: WorkerProcess | None, show: Callable[[Content], None]
    ) -> None:
        self.refresh = Refresh(app, self._read)
        """Read the status again."""
        self._app = app
        self._worker = worker
        self._show = show
        self._worker_started = False
        self._tower: Tower | None = None
        self._status: DatabaseStatus | None = None
        self._failure: FiretowerError | None = None
        """Why it could not be read, which the database's watch tells at length."""

    def begin(self, tower: Tower) -> None:
        """Show the status of this database from now on."""
        self._tower = tower
        self._app.set_interval(SHOW_INTERVAL, self._show_again)

    def _show_again(self) -> None:
        if self._failure is not None or session_of(self._app).missed:
            self.refresh()  # no change of the database would have it read again
        else:
            self.show()

    async def stop(self) -> None:
        """End the worker process, if one was started here."""
        if self._worker is not None:
            await self._worker.stop()

    def show(self) -> None:
        """Show as much as there is room for."""
        tower, now, width = self._tower, session_of(self._app).now(), self._app.size.width
        if tower is not None:
            worker = "no worker" if self._worker is None else self._worker.state
            text = status_text(
                tower.location,
                self._failure or self._status,
                worker,
                now,
                width,
                read_only=tower.read_only,
            )
            self._show(text)

    async def _read(self) -> None:
        session = session_of(self._app)
        missed, session.missed = session.missed, False
        try:
            self._status = await session.ask(lambda tower: tower.status())
        except FiretowerError as error:
            self._failure = error
        else:
            self._failure = None
            if missed:
                self._app.post_message(DatabaseChanged(incomplete=True))
            if not self._status.workers and not self._worker_started:
                self._start_worker()
        self.show()

    def _start_worker(self) -> None:
        if self._worker is None:
            return
        self._worker_started = True
        self._worker.on_exit = self._worker_exited
        start_worker(self._app, self._worker.run, "worker-process")

    def _worker_exited(self, message: str) -> None:
        self._app.notify(message, severity="warning")
        self.refresh()
