"""What an automation would have done with events that are long past."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from firetower.core.automations import Definition
from firetower.core.events import Event
from firetower.core.matching import cooldown_end, is_loop, restarts_cooldown

BARS = "▁▂▃▄▅▆▇█"
_KEPT = 50
_LEAST = timedelta(microseconds=1)

Occurrence: TypeAlias = tuple[int, datetime, str | None]
"""An event's id, when it was recorded, and its cause: all that deciding its firing takes."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """The firings that there would have been."""

    since: datetime
    until: datetime
    fired: int
    """Events it would have acted on."""
    held: int
    """Events that a cooldown would have held back."""
    bars: tuple[int, ...]
    """How many it would have acted on in each of the equal parts of the time looked at."""
    newest: tuple[Event, ...]
    """The newest events it would have acted on, the newest first; at most 50."""

    @property
    def sparkline(self) -> str:
        """The bars in one line: "▁▁▂▁▅█"."""
        top = max(self.bars, default=0) or 1
        return "".join(BARS[-(-count * (len(BARS) - 1) // top)] for count in self.bars)


def matches(definition: Definition, event: Event) -> bool:
    """Return whether an event would fire a definition, its cooldown aside."""
    return (
        event.type is definition.event_type
        and definition.scope.covers(event.collection, event.artifact_type)
        and definition.filter.holds(event)
    )


def backtest(
    definition: Definition,
    matching: Iterable[Occurrence],
    find: Callable[[Sequence[int]], Sequence[Event]],
    *,
    since: datetime,
    until: datetime,
    parts: int = 30,
) -> Backtest:
    """Return what a definition would have done with the events that match it, the oldest first.

    All of them are of [`since`, `until`]; the cooldown is taken as not begun before. `find` returns
    events by their ids, in the ids' order.
    """
    fired, held, bars = 0, 0, [0] * parts
    span = (until - since) / parts or _LEAST
    newest: deque[int] = deque(maxlen=_KEPT)
    cooldown, began = definition.cooldown, None
    for event_id, at, cause in matching:
        if is_loop(cause):
            continue
        cooldown_until = cooldown_end(at, cooldown, began)
        if cooldown_until is None:
            began = at
            fired += 1
            newest.appendleft(event_id)
            bars[min((at - since) // span, parts - 1)] += 1
        else:
            held += 1
            if restarts_cooldown(cooldown_until, at, cooldown):
                began = at
    return Backtest(since, until, fired, held, tuple(bars), tuple(find(newest)))
