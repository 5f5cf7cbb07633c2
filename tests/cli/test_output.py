"""The lines of the feed, as text."""

from datetime import timedelta

import pytest

from core.builders import NOON, make_execution
from firetower.cli.output import clock, feed_text
from firetower.core.executions import COOLDOWN, REDELIVERY, SHADOW, Status
from firetower.core.feed import line_of

DUE = NOON + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("status", "attempts", "code", "reason", "end"),
    [
        pytest.param("skipped", 0, None, COOLDOWN, f"cooldown until {clock(DUE)}", id="cooldown"),
        pytest.param("skipped", 0, None, SHADOW, "shadow", id="shadow"),
        pytest.param(
            "pending", 0, None, REDELIVERY, f"redelivery asked at {clock(DUE)}", id="first sending"
        ),
        pytest.param(
            "pending", 2, 503, REDELIVERY, f"redelivery asked at {clock(DUE)}", id="redelivery"
        ),
        pytest.param(
            "pending", 2, None, REDELIVERY, f"redelivery asked at {clock(DUE)}", id="of an error"
        ),
        pytest.param("failed", 1, None, "gave up", "gave up", id="failed"),
        pytest.param("finished", 1, 202, None, "202", id="finished"),
    ],
)
def test_a_line_ends_with_why(
    status: str, attempts: int, code: int | None, reason: str | None, end: str
) -> None:
    execution = make_execution(
        status=Status(status), reason=reason, due_at=DUE, attempts=attempts, status_code=code
    )
    assert feed_text(line_of(execution)).endswith(f"  {end}")
