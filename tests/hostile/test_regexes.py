"""Patterns and texts made to hang an evaluator are decided."""

import pytest

from core.builders import make_event
from firetower.core.events import EventType
from firetower.core.filters.filter import Filter

TEXT = "a" * 50_000 + "!"
"""With it a backtracking engine would take longer than pytest waits for any test."""


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|aa)+$",
        "^(a|a?)+$",
        "(.*a){12}$",
        "^(([a-z])+.)+[A-Z]$",
        "(a+a+)+y",
        "^.*.*.*=$",
    ],
)
def test_a_pattern_that_hangs_others_is_decided(pattern: str) -> None:
    event = make_event(EventType.CREATE_ARTIFACT, metadata={"text": TEXT})
    assert not Filter.of({"metadata.text": {"$regex": pattern}}).holds(event)
