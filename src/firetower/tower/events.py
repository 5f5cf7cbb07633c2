"""What happened."""

from collections.abc import Iterator, Sequence

from firetower.core.events import Event, EventType
from firetower.core.references import ContainerReference
from firetower.store import events as store
from firetower.store.catalog.lookups import find_container
from firetower.store.store import Store
from firetower.store.watch import watch

_PAGE = 1_000


class Events:
    """The events of a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(self, limit: int) -> list[Event]:
        """Return the newest events, the oldest of them first."""
        with self._store.reading() as connection:
            return list(store.newest_events(connection, self._store.known, limit))

    def newest_in(
        self, container: ContainerReference, type_: EventType, limit: int
    ) -> Sequence[Event]:
        """Return the newest events of a type in a registry or project, the newest first.

        Raises NotFound for the container.
        """
        with self._store.reading() as connection:
            return store.newest_events_in(
                connection, self._store.known, find_container(connection, container), type_, limit
            )

    def get(self, event_id: int) -> Event:
        """Return one event. Raises NotFound."""
        with self._store.reading() as connection:
            return store.find_event(connection, self._store.known, event_id)

    def follow(self, after: int, *, wait: float = 1.0) -> Iterator[list[Event]]:
        """Yield the events recorded after another, in batches, as they come.

        An empty batch comes after `wait` seconds without one, so that the caller can stop.
        """
        with watch(self._store.database) as changes:
            while True:
                with self._store.reading() as connection:
                    batch = store.events_after(connection, self._store.known, after, _PAGE)
                if batch:
                    after = batch[-1].id
                    yield list(batch)
                elif not changes.wait(wait):
                    yield []
