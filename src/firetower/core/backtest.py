"""What an automation would have done with events that are long past."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from firetower.core.actions import NoAction
from firetower.core.automations import Definition, Mode, Revision
from firetower.core.evaluation import decide
from firetower.core.events import Event
from firetower.core.executions import Status

BARS = "▁▂▃▄▅▆▇█"
_KEPT = 50


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
    events: Iterable[Event],
    *,
    since: datetime,
    until: datetime,
    parts: int = 30,
) -> Backtest:
    """Return what a definition would have done with events, the oldest first.

    Those outside [`since`, `until`] are left out; the cooldown is taken as not begun before.
    """
    revision = _only_deciding(definition)
    matching = (
        (revision, event)
        for event in events
        if since <= event.recorded_at <= until and matches(definition, event)
    )
    fired, held = [], 0
    for firing in decide(matching, {}, {}):
        if firing.status is Status.SKIPPED:
            held += 1
        else:
            fired.append(firing.event)
    bars = [0] * parts
    span = (until - since) / parts
    for event in fired:
        bars[min(int((event.recorded_at - since) / span) if span else 0, parts - 1)] += 1
    return Backtest(since, until, len(fired), held, tuple(bars), tuple(fired[: -_KEPT - 1 : -1]))


def _only_deciding(definition: Definition) -> Revision:
    """Return a revision that decides as the definition does, and sends and renders nothing."""
    quiet = definition.model_copy(update={"action": NoAction()})
    return Revision(
        id=0,
        automation_id=0,
        number=0,
        written=quiet,
        mode=Mode.ENABLED,
        saved_at=datetime.min,
        author="",
        after_event_id=0,
    )
