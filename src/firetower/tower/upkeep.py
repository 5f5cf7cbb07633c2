"""Keeping a database in order."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from firetower.store import prune as store
from firetower.store.prune import Pruned
from firetower.store.store import Store

_BREATH = 0.01
"""Seconds between two batches: SQLite's lock does not queue, and workers are to get it too."""


class Upkeep:
    """The upkeep of a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def cutoff(self, age: timedelta) -> datetime:
        """Return the moment before which the past is older than `age`. Raises InvalidInput."""
        store.check_age(age)
        return self._store.clock() - age

    def plan(self, before: datetime) -> Pruned:
        """Return what `prune` would forget."""
        with self._store.reading() as connection:
            return store.plan(connection, before)

    def prune(self, before: datetime) -> Iterator[Pruned]:
        """Forget events from before a moment with all that they fired; yield each batch.

        Each batch is a transaction of its own: it may be stopped at any time, and run again.
        """
        while True:
            with self._store.changing() as change:
                batch = store.prune_batch(change.connection, before)
            if not batch.events:
                return
            yield batch
            time.sleep(_BREATH)

    def give_back_space(self) -> None:
        """Give an SQLite file's free space back to the disk. Raises StoreError on PostgreSQL."""
        store.give_back_space(self._store.database)
