"""Words and signs as the screens write them."""

from datetime import datetime, timedelta

from textual.content import Content

from firetower.core.text import visible


def plain(text: str) -> Content:
    """Return text from outside as it is: no markup is obeyed, control characters are drawn."""
    return Content(visible(text))


def lines(text: str) -> Content:
    """Return text of several lines as it is."""
    return Content("\n".join(visible(line) for line in text.split("\n")))


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in the largest fitting unit; "never" for None.

    Less than a minute is "now": a count of seconds would repaint an idle screen.
    """
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:,.0f} {unit}"
    return "now"


def clock(moment: datetime, now: datetime) -> str:
    """Return a moment as its local time of day, or its date where it was not within a day."""
    local = moment.astimezone()
    if abs(now - moment) < timedelta(days=1):
        return local.strftime("%H:%M:%S")
    return local.strftime("%d %b" if local.year == now.year else "%Y-%m")


def day_or_time(moment: datetime, now: datetime) -> str:
    """Return a moment's local time of day, or its date where it was not within a day."""
    local = moment.astimezone()
    near = abs(now - moment) < timedelta(days=1)
    return local.strftime("%H:%M:%S" if near else "%d %b")


def exact(moment: datetime) -> str:
    """Return a moment as its local date and time, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def milliseconds(span: float | None) -> str:
    """Return a duration in milliseconds as "34 ms", or "12.3 s" from ten seconds on."""
    if span is None:
        return ""
    return f"{span:,.0f} ms" if span < 10_000 else f"{span / 1_000:,.1f} s"
