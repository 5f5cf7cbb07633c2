"""When automations last fired, and how often within a day, without reading the whole history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select

from firetower.core.executions import SHADOW, Status
from firetower.store import schema

_executions = schema.executions.c
_fired = _executions.status != Status.SKIPPED.value
_in_shadow = (_executions.status == Status.SKIPPED.value) & (_executions.reason == SHADOW)
_number = _executions.automation_id + literal_column("0")
"""Grouped by the bare column, SQLite walks a whole index instead of the few newest rows."""
_DAY = timedelta(days=1)
_RECOUNT = timedelta(minutes=1)
"""How long counts may go on with what is new added: then what has left the day is taken off."""
_FEW, _MANY = 20, 500
"""Automations that are asked for one by one, and by their numbers; more are read as a whole."""
_NONE = (0, 0)
"""Firings, and those in shadow."""


@dataclass(frozen=True, slots=True)
class Firing:
    """How an automation has fired of late; what was skipped is left out, but for shadow."""

    last_at: datetime | None = None
    within_day: int = 0
    in_shadow: int = 0
    """Within the day too: what sent nothing, and would have."""


NEVER = Firing()


class Firings:
    """The firings of every automation asked for so far; only what is new is read again."""

    def __init__(self) -> None:
        self._last: dict[int, datetime | None] = {}
        self._recent: dict[int, tuple[int, int]] = {}
        self._newest_id = 0
        self._counted_at: datetime | None = None

    def of(self, connection: Connection, automation_ids: Sequence[int]) -> dict[int, Firing]:
        """Return how automations have fired, as far as was caught up with."""
        self._look_back(connection, [one for one in automation_ids if one not in self._last])
        return {number: self._firing(number) for number in automation_ids}

    def _firing(self, number: int) -> Firing:
        return Firing(self._last[number], *self._recent.get(number, _NONE))

    def _look_back(self, connection: Connection, unknown: Sequence[int]) -> None:
        """Find the last firings of those that have not fired within the day."""
        if len(unknown) <= _FEW:
            self._last.update((number, _last(connection, number)) for number in unknown)
            return
        automations = schema.automations.c
        last = _newest(automations.id).correlate(schema.automations).scalar_subquery()
        query = select(automations.id, last)
        if len(unknown) <= _MANY:
            query = query.where(automations.id.in_(unknown))
        found = connection.execute(query)
        self._last.update((number, at) for number, at in found if number not in self._last)

    def catch_up(self, connection: Connection, now: datetime) -> set[int]:
        """Take in what is new; return the automations of which something else is known now."""
        newest = connection.execute(select(func.max(_executions.id))).scalar() or 0
        counted, before = self._counted_at, self._recent
        changed: set[int] = set()
        if counted is None or newest < self._newest_id or not counted <= now < counted + _RECOUNT:
            self._recent = {}
            self._counted_at = now
            self._add(connection, _executions.id >= _first_since(connection, now - _DAY))
            changed = {
                one for one, count in before.items() if self._recent.get(one, _NONE) != count
            }
            changed |= self._recent.keys() - before.keys()
        elif newest > self._newest_id:
            changed = self._add(connection, _executions.id > self._newest_id)
        self._newest_id = newest
        return changed

    def _add(self, connection: Connection, which: ColumnElement[bool]) -> set[int]:
        query = (
            select(
                _number,
                func.count().filter(_fired),
                func.count().filter(_in_shadow),
                func.max(_executions.created_at).filter(_fired),
            )
            .where(which, _fired | _in_shadow)
            .group_by(_number)
        )
        fired = connection.execute(query).all()
        for number, count, in_shadow, last_at in fired:
            before = self._recent.get(number, _NONE)
            self._recent[number] = before[0] + count, before[1] + in_shadow
            if last_at is not None:
                self._last[number] = max(last_at, self._last.get(number) or last_at)
        return {row[0] for row in fired}


def firing_of(connection: Connection, automation_id: int, now: datetime) -> Firing:
    """Return how one automation has fired; the events' order is the executions' own."""
    first_id = _first_since(connection, now - _DAY)
    event = select(_executions.event_id).where(_executions.id >= first_id)
    first_event = connection.execute(event.order_by(_executions.id).limit(1)).scalar()
    counts = _NONE
    if first_event is not None:
        count, in_shadow = connection.execute(
            select(func.count().filter(_fired), func.count().filter(_in_shadow)).where(
                _executions.automation_id == automation_id,
                _executions.event_id >= first_event,
                _executions.id >= first_id,
            )
        ).one()
        counts = count, in_shadow
    return Firing(_last(connection, automation_id), *counts)


def _last(connection: Connection, automation_id: int) -> datetime | None:
    return connection.execute(_newest(automation_id)).scalar()


def _newest(automation_id: int | ColumnElement[int]) -> Select[datetime]:
    """Return the query of an automation's last firing: one step of the index of their events."""
    return (
        select(_executions.created_at)
        .where(_executions.automation_id == automation_id, _fired)
        .order_by(_executions.event_id.desc())
        .limit(1)
    )


def _first_since(connection: Connection, moment: datetime) -> int:
    """Return the first execution since a moment by halving: ids are given in order of time."""
    low = connection.execute(select(func.min(_executions.id))).scalar() or 1
    # In a query of its own: for both at once SQLite walks the whole table.
    high = (connection.execute(select(func.max(_executions.id))).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        query = select(_executions.created_at).where(_executions.id >= middle)
        found = connection.execute(query.order_by(_executions.id).limit(1)).scalar()
        if found is None or found > moment:
            high = middle
        else:
            low = middle + 1
    first: int = low
    return first
