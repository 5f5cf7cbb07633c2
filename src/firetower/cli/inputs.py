"""Reading what is given on the command line."""

from datetime import UTC, datetime

from firetower.core.automations import parse_duration
from firetower.core.errors import InvalidInput
from firetower.core.text import quoted, shortened


def moment_of(text: str) -> datetime:
    """Read a moment: a span back from now, "30d" or "2h", or ISO 8601. Raises InvalidInput.

    A moment without a time zone is local time.
    """
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.now(UTC) - parse_duration(text)
    except (InvalidInput, OverflowError):
        raise InvalidInput(
            f"{quoted(shortened(text, 40))} is neither a span of time nor a moment",
            "Write it as 30m, 2h, 30d, or 2026-01-31T12:00.",
        ) from None
