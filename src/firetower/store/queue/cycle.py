"""A worker's turn at the queue: one transaction, and what it works with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from firetower.core.automations import Revision
from firetower.core.endpoints import Endpoint
from firetower.core.events import Event
from firetower.core.matching import Decision
from firetower.store.changes import Change, Reader
from firetower.store.queue.automation_cache import AutomationCache

LEASE_MARGIN = timedelta(seconds=20)
"""What a lease lasts beyond the request's own timeout: for the commit of its answer."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt of an execution, leased to one worker."""

    execution_id: int
    webhook_id: str
    number: int
    """The attempt's number, which fences off a worker that lost its lease."""
    retries_used: int
    revision: Revision
    event: Event
    endpoint: Endpoint
    probe: bool = False
    """Whether it probes an open circuit."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of a batch of events."""

    events: int
    decisions: Sequence[Decision]
    claims: Sequence[Claim]
    """Those that this worker may send at once."""


@dataclass(slots=True)
class Slots:
    """How many more requests a worker may have open, for each endpoint."""

    worker_id: str
    free: dict[int, int]

    def take(self, endpoint_id: int) -> bool:
        """Take a place if one is free."""
        left = self.free.get(endpoint_id, 0)
        if left <= 0:
            return False
        self.free[endpoint_id] = left - 1
        return True


@dataclass(slots=True)
class Turn(Reader):
    """One transaction of one worker."""

    random_hex: Callable[[int], str]
    """Returns so many random bytes in hexadecimal, for ids."""
    cache: AutomationCache
    slots: Slots

    @classmethod
    def of(cls, change: Change, cache: AutomationCache, slots: Slots) -> "Turn":
        """Work within a change."""
        return cls(
            change.connection, change.now, change.collections, change.random_hex, cache, slots
        )

    def lease_until(self, endpoint: Endpoint) -> datetime:
        """Return when a lease taken now ends."""
        return self.now + endpoint.settings.timeout + LEASE_MARGIN
