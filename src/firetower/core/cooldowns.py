"""What holds a firing back before anything else is asked: a loop, and the cooldown."""

from datetime import datetime, timedelta
from typing import NamedTuple

from firetower.core.causes import loop_reason
from firetower.core.executions import COOLDOWN


class Hold(NamedTuple):
    """Why a firing is held back."""

    reason: str
    until: datetime | None = None
    """The end of the cooldown, where it is the cooldown that holds."""


def held_back(
    cause: str | None, at: datetime, cooldown: timedelta | None, began: datetime | None
) -> Hold | None:
    """Return why what an event would fire is held back, or None where nothing does.

    `at` is when the event was recorded, `began` when the cooldown last began by that same clock.
    """
    if cause is not None and (loop := loop_reason(cause)) is not None:
        return Hold(loop)
    # By distance, and anew from a clock set back: it must not silence an automation for longer.
    if cooldown and began and abs(at - began) < cooldown:
        return Hold(COOLDOWN, min(began, at) + cooldown)
    return None


def begins_anew(until: datetime, at: datetime, cooldown: timedelta | None) -> bool:
    """Return whether a cooldown that holds an event begins anew by it: the clock was set back."""
    return until - at == cooldown
