"""Moments as people write them: spans, times of day, days, and ISO 8601."""

from datetime import UTC, datetime, timedelta

import pytest

from firetower.core.errors import InvalidInput
from firetower.core.times import parse_moment

NOW = datetime(2026, 3, 14, 12, 4, 31).astimezone()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3h", NOW - timedelta(hours=3)),
        (" 30d ", NOW - timedelta(days=30)),
        ("9:00", datetime(2026, 3, 14, 9).astimezone()),
        ("12:04:31", NOW.replace(microsecond=0)),
        ("14:30", datetime(2026, 3, 13, 14, 30).astimezone()),
        ("today 14:30", datetime(2026, 3, 14, 14, 30).astimezone()),
        ("yesterday 9:00", datetime(2026, 3, 13, 9).astimezone()),
        ("Yesterday", datetime(2026, 3, 13).astimezone()),
        ("2026-01-31T12:00+00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31).astimezone()),
    ],
)
def test_moment_is_read(text: str, expected: datetime) -> None:
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "12:60", "yesterday 3h", "9", "1e999d", "9" * 10**5]
)
def test_other_text_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_moment(text, NOW)
    assert "yesterday 9:00" in str(refused.value.hint)
