"""Moments and spans of time as people write them."""

import re
from datetime import datetime, time, timedelta

import durationpy

from firetower.core.errors import InvalidInput
from firetower.core.text import quoted, shortened

_CLOCK = re.compile(r"(?:(today|yesterday)\s*)?(\d{1,2}:\d{2}(?::\d{2})?)?", re.IGNORECASE)
_LONGEST = 100
"""Characters of a span of time."""


def duration(span: timedelta) -> str:
    """Return a span of time as "10m", "1h30m" or "30d"."""
    if span >= timedelta(days=2) and not span % timedelta(days=1):
        return f"{span.days}d"
    if span.microseconds % 1_000 and span > timedelta(milliseconds=1):
        return f"{span // timedelta(microseconds=1)}us"  # durationpy rounds these away
    return str(durationpy.to_str(span))


def parse_duration(text: str) -> timedelta:
    """Read "30s", "10m", "2h30m", "30d". Raises InvalidInput."""
    try:
        # It takes a minute to read 100,000 digits.
        span = durationpy.from_str(text.strip()) if len(text) <= _LONGEST else None
    except (durationpy.DurationError, OverflowError, ValueError):
        span = None
    if not isinstance(span, timedelta) or not text.strip() or span < timedelta(0):
        raise InvalidInput(
            f"{quoted(shortened(text, 40))} is not a span of time",
            "Write it as 30s, 10m, 2h30m or 7d.",
        )
    return span


def moment_before(now: datetime, span: timedelta) -> datetime:
    """Return the moment of so long ago. Raises InvalidInput beyond the calendar."""
    try:
        return now - span
    except OverflowError:
        raise InvalidInput(
            "the span of time is too long", "Give at most a thousand years."
        ) from None


def parse_moment(text: str, now: datetime) -> datetime:
    """Read "3h" (back from now), "14:30" (the last one), "yesterday 9:00", or ISO 8601.

    A moment without a time zone is local time. Raises InvalidInput.
    """
    written = text.strip()
    try:
        return datetime.fromisoformat(written).astimezone()
    except (ValueError, OverflowError):
        pass
    try:
        found = _on_the_clock(written, now.astimezone())
        return now - parse_duration(written) if found is None else found
    except (InvalidInput, ValueError, OverflowError):
        raise InvalidInput(
            f"{quoted(shortened(text, 40))} is neither a span of time nor a moment",
            "Write it as 30m, 2h, 30d, 14:30, yesterday 9:00, or 2026-01-31T12:00.",
        ) from None


def _on_the_clock(text: str, now: datetime) -> datetime | None:
    """Read a day, a time of day or both; None if it is neither. Raises ValueError for 25:00."""
    found = _CLOCK.fullmatch(text)
    if found is None or not text:
        return None
    day, at = found.groups()
    hours, minutes, seconds = map(int, f"{at or '0:00'}:00".split(":")[:3])
    date = now.date() - timedelta(days=bool(day) and day.lower() == "yesterday")
    moment = datetime.combine(date, time(hours, minutes, seconds)).astimezone()
    if day is None and moment > now:  # the last one was yesterday
        moment = datetime.combine(date - timedelta(days=1), moment.time()).astimezone()
    return moment
