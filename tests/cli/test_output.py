"""The lines of the feed, as text."""

from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from core.builders import NOON, make_execution
from firetower.cli import output
from firetower.cli.output import date, event_text, feed_text
from firetower.core.executions import SkipReason, Status
from firetower.core.feed import FeedLine

LATER = NOON + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("given", "end"),
    [
        (
            {"skip_reason": SkipReason.COOLDOWN, "cooldown_until": LATER},
            f"cooldown until {date(LATER)}",
        ),
        ({"skip_reason": SkipReason.SHADOW}, "shadow"),
        (
            {
                "status": Status.PENDING,
                "attempts": 2,
                "status_code": 503,
                "next_attempt_at": NOON,
                "redelivery_requested_at": LATER,
            },
            f"503  redelivery requested at {date(LATER)}",
        ),
        (
            {
                "status": Status.PENDING,
                "attempts": 2,
                "status_code": 503,
                "next_attempt_at": LATER,
                "detail": "503",
            },
            f"503  again {date(LATER)}",
        ),
        ({"status": Status.FAILED, "attempts": 1, "detail": "gave up"}, "gave up"),
        ({"status": Status.FINISHED, "attempts": 1, "status_code": 202}, "202"),
    ],
)
def test_feed_text_ends_with_answer_and_reason(given: dict[str, Any], end: str) -> None:
    assert feed_text(FeedLine.of(make_execution(**given))).endswith(f"  {end}")


class AtNoon(datetime):
    """A clock on a day that does not end during the test."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return NOON.astimezone(tz)


def test_line_of_another_day_has_its_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "datetime", AtNoon)
    today, before = (NOON - timedelta(days=days) for days in (0, 39))
    for moment, start in ((today, f"{today.astimezone():%H:%M:%S}  "), (before, date(before))):
        execution = make_execution(created_at=moment, finished_at=moment)
        event = replace(execution.event, recorded_at=moment)
        assert feed_text(FeedLine.of(execution)).startswith(start)
        assert event_text(event).startswith(start)
