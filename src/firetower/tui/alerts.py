"""The terminal's bell or a notification of the desktop, on a failure or an opened circuit."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from firetower.core.circuit_breaker import CircuitChange, CircuitChangeKind
from firetower.core.executions import Execution, Status
from firetower.core.text import counted, shortened, visible

INTERVAL = 10.0
"""Seconds between two alerts, at least: what happens meanwhile is counted in the next one."""
NEWS_AGE = timedelta(minutes=1)
"""The age from which nothing is an alert any more."""
_LONGEST = 200
"""Characters of a notification."""


class Alerts:
    """Writes alerts to the terminal; as often as once in ten seconds."""

    def __init__(
        self,
        kind: str,
        write: Callable[[str], object],
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`kind` is off, bell or notify; `environment` names the terminal."""
        self._kind = kind
        self._write = write
        self._environment = environment
        self._clock = clock
        self._last: float | None = None
        self._missed = 0

    def note(
        self, executions: Iterable[Execution], circuits: Iterable[CircuitChange], now: datetime
    ) -> None:
        """Alert if something has just failed for good, or a circuit has just opened."""
        if self._kind == "off":
            return
        said = [
            f"{one.automation} failed: {one.event.subject}"
            for one in executions
            if one.status is Status.FAILED
            and one.finished_at is not None
            and now - one.finished_at < NEWS_AGE
        ]
        said += [
            f"circuit of {one.endpoint} opened"
            for one in circuits
            if one.kind is CircuitChangeKind.OPENED and now - one.at < NEWS_AGE
        ]
        if not said:
            return
        if self._last is not None and self._clock() - self._last < INTERVAL:
            self._missed += len(said)
            return
        others = len(said) - 1 + self._missed
        self._last, self._missed = self._clock(), 0
        text = said[0] + (f", and {counted(others, 'other')}" if others else "")
        self._write("\a" if self._kind == "bell" else notification(text, self._environment))


def notification(text: str, environment: Mapping[str, str]) -> str:
    """Return the escape sequence that shows a text, with nothing in it that a terminal obeys.

    OSC 777 for the terminals that know it, OSC 9 for the others; through tmux.
    """
    shown = "".join(one for one in visible(shortened(text, _LONGEST)) if one.isprintable())
    shown = shown.replace(";", ",")
    knows_777 = environment.get("TERM", "").startswith(("rxvt", "foot"))
    if knows_777 or "VTE_VERSION" in environment:
        sequence = f"\x1b]777;notify;Firetower;{shown}\x1b\\"
    else:
        sequence = f"\x1b]9;Firetower: {shown}\x1b\\"
    if "TMUX" in environment:
        escaped = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{escaped}\x1b\\"
    return sequence
