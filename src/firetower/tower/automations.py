"""Making, listing and changing automations."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from firetower.core.automations import Automation, Definition, Mode, Revision
from firetower.core.backtest import Backtest, backtest
from firetower.core.references import ContainerReference
from firetower.store import automations as store
from firetower.store.backtest.read import read_matching
from firetower.store.events import events_of
from firetower.store.store import Store


class Automations:
    """The automations of a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, definition: Definition, mode: Mode = Mode.ENABLED) -> Automation:
        """Save a new automation, for the events recorded from now on.

        Raises InvalidInput for what could never work, NotFound for what it names, Conflict for its
        name.
        """
        with self._store.changing() as change:
            return store.create_automation(change, definition, mode)

    def edit(self, name: str, definition: Definition, mode: Mode | None = None) -> Automation:
        """Save a changed definition, and a changed mode with it. Raises as `create` does."""
        with self._store.changing() as change:
            automation = store.find_automation(change.connection, name, change.now)
            store.check_same_container(automation.definition, definition)
            edited = store.edit_automation(change, automation, definition)
            return edited if mode is None else store.set_mode(change, edited, mode)

    def restore(self, name: str, number: int) -> Automation:
        """Save an earlier revision's definition again, as the newest revision.

        Whether it acts stays as it is. Raises NotFound, and as `edit` does: what the revision
        names may be gone by now.
        """
        with self._store.changing() as change:
            automation = store.find_automation(change.connection, name, change.now)
            earlier = store.find_revision(change.connection, automation.id, number)
            return store.edit_automation(change, automation, earlier.definition)

    def set_mode(self, name: str, mode: Mode) -> Automation:
        """Enable an automation, disable it, or put it in shadow. Raises NotFound."""
        with self._store.changing() as change:
            automation = store.find_automation(change.connection, name, change.now)
            return store.set_mode(change, automation, mode)

    def delete(self, name: str) -> None:
        """Delete an automation; what it did stays in the history. Raises NotFound."""
        with self._store.changing() as change:
            automation = store.find_automation(change.connection, name, change.now)
            store.delete_automation(change, automation)

    def list(
        self, container: ContainerReference | None = None, *, limit: int | None = None
    ) -> list[Automation]:
        """Return every automation by name, or those of one registry or project, or the first."""
        with self._store.reading() as connection:
            now = self._store.clock()
            if limit is None:
                return self._store.automation_lists.read(connection, now, container)
            return store.list_automations(connection, now, container, limit=limit)

    def overlapping(
        self, definition: Definition, *, apart_from: str | None = None
    ) -> Sequence[str]:
        """Return the enabled automations that may send the same event to the same place.

        `apart_from` is the name of the one that is being edited.
        """
        with self._store.reading() as connection:
            now = self._store.clock()
            return store.list_overlapping(connection, definition, now, apart_from)

    def names(self) -> Sequence[str]:
        """Return the names that are taken."""
        with self._store.reading() as connection:
            return store.list_names(connection)

    def get(self, name: str) -> Automation:
        """Return an automation. Raises NotFound."""
        with self._store.reading() as connection:
            return store.find_automation(connection, name, self._store.clock())

    def backtest(
        self,
        definition: Definition,
        since: datetime,
        *,
        wanted: Callable[[], bool] = lambda: True,
    ) -> Backtest:
        """Return what a definition, saved or not, would have done since a moment.

        Raises NotFound for its container, and Cancelled as soon as `wanted` says no.
        """
        until = self._store.clock()
        with self._store.reading() as connection:
            matching = read_matching(connection, definition, since, until, wanted)
            find = partial(events_of, connection, self._store.known)
            return backtest(definition, matching, find, since=since, until=until)

    def revisions(self, name: str) -> Sequence[Revision]:
        """Return an automation's revisions, the newest first. Raises NotFound."""
        with self._store.reading() as connection:
            automation = store.find_automation(connection, name, self._store.clock())
            return store.list_revisions(connection, automation)
