"""Patterns and texts made to hang an evaluator cost about what harmless ones of their size cost."""

import time
from collections.abc import Callable

import pytest

from core.builders import make_event
from firetower.core.events import EventType
from firetower.core.filters.filter import Filter

LENGTH = 50_000
MOST = 60.0
"""Times as long as a harmless one: a backtracking engine would take longer than anyone waits."""

TEXT = "a" * LENGTH + "!"


def _seconds(act: Callable[[], object]) -> float:
    """Return the quickest of three."""
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        act()
        took.append(time.perf_counter() - begun)
    return min(took)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|aa)+$",
        "^(a|a?)+$",
        "(.*a){12}$",
        "^(([a-z])+.)+[A-Z]$",
        "(x+x+)+y",
        "^.*.*.*=$",
    ],
)
def test_a_pattern_that_hangs_others_is_linear(pattern: str) -> None:
    event = make_event(EventType.CREATE_ARTIFACT, metadata={"text": TEXT})
    hostile = Filter.of({"metadata.text": {"$regex": pattern}})
    control = Filter.of({"metadata.text": {"$regex": "^[a-z]+[0-9]$"}})
    assert not control.holds(event)
    spent = _seconds(lambda: hostile.holds(event))
    assert spent < MOST * max(_seconds(lambda: control.holds(event)), 1e-4)
