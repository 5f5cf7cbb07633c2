"""How the database stands: the top line of every screen, and a worker where none is alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firetower.core.errors import FiretowerError
from firetower.tui.refresh import Refresh
from firetower.tui.widgets.bar import standing_text

if TYPE_CHECKING:
    from firetower.store.status import Standing
    from firetower.tower import Tower
    from firetower.tui.app import FiretowerApp
    from firetower.tui.child import WorkerChild

_LOOK = 5.0
"""Seconds after which it is looked at again: a dead worker changes nothing."""


class Status:
    """Reads how the database stands, says so in the app, and keeps a worker alive beside it."""

    def __init__(self, app: FiretowerApp, child: WorkerChild | None) -> None:
        self.look = Refresh(app, self._read)
        """Look again: something has changed."""
        self._app = app
        self._child = child
        self._child_begun = False
        self._tower: Tower | None = None
        self._standing: Standing | None = None

    def begin(self, tower: Tower) -> None:
        """Tell of this database, again and again."""
        self._tower = tower
        self._app.set_interval(_LOOK, self.look)

    async def stop(self) -> None:
        """End the worker, if it was begun here."""
        if self._child is not None:
            await self._child.stop()

    def show(self) -> None:
        """Say as much as there is room for."""
        if self._tower is not None:
            self._app.status = standing_text(
                self._tower.location,
                self._standing,
                "no worker" if self._child is None else self._child.said,
                self._app.session.now(),
                self._app.size.width,
                read_only=self._tower.read_only,
            )

    async def _read(self) -> None:
        try:
            self._standing = await self._app.session.ask(lambda tower: tower.standing())
        except FiretowerError as error:
            self._app.tell(error)
        else:
            self._need_worker()
        self.show()

    def _need_worker(self) -> None:
        """Start a worker where none is alive."""
        if self._child is None or self._child_begun or (self._standing and self._standing.workers):
            return
        self._child_begun = True
        self._child.tell = self._child_ended
        self._app.run_worker(self._child.run(), exit_on_error=False, group="child")

    def _child_ended(self, said: str) -> None:
        self._app.notify(said, severity="warning", markup=False)
        self.look()
