"""Why automations fired, or did not."""

from collections.abc import Callable
from datetime import datetime

from firetower.core.events import instant
from firetower.core.explanation import Explanation, Group, grouped
from firetower.store import explain as store
from firetower.store.automations import find_automation
from firetower.store.store import Store

Clock = Callable[[datetime], str]


class Explain:
    """Explanations, made from the recorded events and the automations as they were then.

    `clock` writes the moments in the words; ISO 8601 unless given.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def event(self, event_id: int, *, clock: Clock = instant) -> Explanation:
        """Return what became of an event for every automation near it. Raises NotFound."""
        with self._store.reading() as connection:
            return store.explain_event(connection, self._store.known, event_id, clock)

    def automation(
        self, name: str, *, since: datetime | None = None, clock: Clock = instant
    ) -> list[Group]:
        """Return what became of the newest events in and near an automation's scope, by reason.

        At most 2,500 events are looked at. Raises NotFound.
        """
        with self._store.reading() as connection:
            found = store.explain_automation(
                connection,
                self._store.known,
                find_automation(connection, name, self._store.clock()),
                since,
                clock,
            )
        return grouped(found)
