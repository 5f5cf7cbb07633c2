"""Shortages: a key, a network or a file that a worker lacks; executions wait until it is there."""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from firetower.core.endpoints import Endpoint
from firetower.core.errors import NotReady
from firetower.core.text import and_list

RETRY_INTERVAL = timedelta(seconds=1)
"""Time after which what was missing is looked for again."""
_FORGET_AFTER = timedelta(seconds=5)
"""Time after which what was not found missing again keeps nothing waiting."""
_REPEAT_INTERVAL = timedelta(seconds=10)
"""Time in which the same is not reported twice, however often it comes and goes."""
_MAX_NAMES = 3


@dataclass(frozen=True, slots=True)
class _Shortage:
    endpoint: str
    error: NotReady
    found_at: datetime

    # By distance: a clock set back must not make anything wait for longer.
    def is_younger(self, age: timedelta, now: datetime) -> bool:
        return abs(now - self.found_at) < age


@dataclass(slots=True)
class Shortages:
    """The shortage of each endpoint, until one of its executions could be sent."""

    _missing: dict[int, _Shortage] = field(default_factory=dict)
    _sent: bool = False
    """Whether an execution that waited could be sent since the last report."""
    _reported: str | None = None
    _last_report: tuple[str | None, datetime] | None = None

    @property
    def endpoint_ids(self) -> list[int]:
        """The endpoints whose executions wait."""
        return list(self._missing)

    @property
    def error(self) -> NotReady | None:
        """What is missing, of the endpoint that has lacked it for longest."""
        return next((shortage.error for shortage in self._missing.values()), None)

    @property
    def problem(self) -> str | None:
        """Its first line."""
        return None if self.error is None else self.error.message

    def add(self, endpoint: Endpoint, error: NotReady, now: datetime) -> None:
        """Let the executions of an endpoint wait."""
        self._missing[endpoint.id] = _Shortage(endpoint.name, error, now)

    def remove(self, endpoint_id: int, kind: type[NotReady] = NotReady) -> None:
        """Let its executions be sent, if it was such an error that kept them waiting."""
        if endpoint_id in self._missing and isinstance(self._missing[endpoint_id].error, kind):
            del self._missing[endpoint_id]
            self._sent = True

    def forget(self, endpoint_ids: Container[int], now: datetime) -> None:
        """Forget all but these endpoints, and those for which nothing has been due since."""
        self._missing = {
            key: shortage
            for key, shortage in self._missing.items()
            if key in endpoint_ids and shortage.is_younger(_FORGET_AFTER, now)
        }

    def is_waiting(self, endpoint_id: int, now: datetime) -> bool:
        """Return whether nothing should be sent to an endpoint until the next check."""
        shortage = self._missing.get(endpoint_id)
        return shortage is not None and shortage.is_younger(RETRY_INTERVAL, now)

    def next_retry(self, now: datetime) -> datetime | None:
        """Return when to look again at the first that waits."""
        waiting = [one for one in self._missing.values() if one.is_younger(RETRY_INTERVAL, now)]
        return min((one.found_at + RETRY_INTERVAL for one in waiting), default=None)

    def news(self, now: datetime) -> list[str]:
        """Return messages to report: a new shortage, or the end of all."""
        error, problem, sent = self.error, self.problem, self._sent
        if problem == self._reported:
            return []
        if error is None:
            self._reported, self._sent = None, False
            return ["nothing is missing any more: what waited is sent"] if sent else []
        reported, reported_at = self._last_report or (None, now)
        if reported == problem and abs(now - reported_at) < _REPEAT_INTERVAL:
            return []
        self._reported, self._last_report, self._sent = problem, (problem, now), False
        names = and_list((one.endpoint for one in self._missing.values()), most=_MAX_NAMES)
        return [f"{error.message}; executions for {names} wait. {error.hint}"]
