"""Backtest: which past events an automation would have fired on."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from firetower.core.automations import Definition
from firetower.core.causes import is_loop
from firetower.core.events import Event
from firetower.core.matching import allows, cooldown_end, restarts_cooldown
from firetower.core.statistics import sparkline

PARTS = 30
"""Bars of a backtest."""
NEWEST = 50
"""Events of it that are shown."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Backtest:
    """The firings that a definition would have made."""

    since: datetime
    until: datetime
    fired: int
    """Events it would have acted on."""
    skipped: int
    """Events that a cooldown would have skipped."""
    bars: tuple[int, ...]
    """How many it would have acted on in each of 30 equal parts of the time."""
    newest: tuple[Event, ...]
    """The newest events it would have acted on, the newest first; at most 50."""
    reached: datetime | None = None
    """How far back the events were tested so far; None once all were."""
    share: float = 1.0
    """The share of the events that were tested so far."""
    runs: int | None = None
    """For a metric: the runs that were tested, those that log it and pass the filter."""
    fired_runs: int = 0
    """Those of them that it would have fired for."""

    @property
    def sparkline(self) -> str:
        """The bars in one line: "▁▁▂▁▅█"."""
        return sparkline(self.bars)


def matches(definition: Definition, event: Event) -> bool:
    """Return whether an event would fire a definition, cooldown ignored."""
    is_type = event.type is definition.event_type
    return is_type and allows(definition, event) and definition.filter.holds(event)


class Simulation:
    """Counts the firings of a definition from `since` to `until`, its cooldown included.

    The events that match it are added the newest first, so that there is a result at any time.
    A cooldown is taken as not begun before the oldest of them.
    """

    def __init__(self, definition: Definition, since: datetime, until: datetime) -> None:
        self._cooldown = definition.cooldown
        self._since, self._until = since, until
        self._bar = max(1, (until - since) // _MICROSECOND // PARTS)
        self._bars = [0] * PARTS
        # Of ten million matches each takes 16 bytes.
        self._ids, self._offsets = array("q"), array("q")

    def add(self, event_id: int, offset: int, cause: str | None) -> None:
        """Add a matching event, recorded `offset` microseconds after `since`."""
        if not is_loop(cause):
            self._ids.append(event_id)
            self._offsets.append(offset)
            self._bars[min(offset // self._bar, PARTS - 1)] += 1

    def result(
        self,
        find: Callable[[Sequence[int]], Sequence[Event]],
        *,
        reached: datetime | None = None,
        share: float = 1.0,
    ) -> Backtest:
        """Return the result so far. `find` returns events by their ids, in the ids' order."""
        ids, bars = self._fired()
        return Backtest(
            self._since,
            self._until,
            fired=len(ids),
            skipped=len(self._ids) - len(ids),
            bars=tuple(bars),
            newest=tuple(find(ids[:NEWEST])),
            reached=reached,
            share=share,
        )

    def _fired(self) -> tuple[Sequence[int], list[int]]:
        """Return the ids of the events that no cooldown skips, and how many in each part."""
        if self._cooldown is None:
            return self._ids, self._bars
        ids, bars, began = array("q"), [0] * PARTS, None
        for event_id, offset in zip(reversed(self._ids), reversed(self._offsets), strict=True):
            at = self._since + timedelta(microseconds=offset)
            cooldown_until = cooldown_end(at, self._cooldown, began)
            if cooldown_until is None:
                ids.append(event_id)
                bars[min(offset // self._bar, PARTS - 1)] += 1
            if cooldown_until is None or restarts_cooldown(cooldown_until, at, self._cooldown):
                began = at
        ids.reverse()
        return ids, bars
