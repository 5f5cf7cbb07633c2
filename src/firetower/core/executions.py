"""Executions and their attempts."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import AwareDatetime, JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.events import Event, instant
from firetower.core.references import Frozen
from firetower.core.text import and_list, quoted


class Status(StrEnum):
    """What has become of an execution."""

    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    SKIPPED = "skipped"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a status in any case. Raises InvalidInput."""
        name = text.strip().lower()
        if name not in [status.value for status in cls]:
            raise InvalidInput(
                f"there is no status {quoted(text)}", f"Choose {and_list(cls, 'or')}."
            )
        return cls(name)

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self is not Status.PENDING and self is not Status.RUNNING


class Attempt(Frozen):
    """One HTTP try of an execution. Secrets in it are masked."""

    id: int
    number: int
    """From 1; gaps never occur: a try lost in a crash is recorded as such."""
    started_at: AwareDatetime
    duration_ms: float
    method: str = "POST"
    url: str
    request_headers: dict[str, str]
    request_body: str
    status_code: int | None = None
    response_body: str = ""
    """The first 1,000 characters."""
    error: str | None = None
    outcome: Status
    """What followed: the execution's status after this try."""
    next_attempt_at: datetime | None = None

    @property
    def ended_at(self) -> datetime:
        """When the answer was there, or given up on."""
        return self.started_at + timedelta(milliseconds=self.duration_ms)

    @property
    def was_sent(self) -> bool:
        """Whether a request was made: an endpoint disabled meanwhile takes none."""
        return bool(self.url)

    def as_data(self) -> dict[str, Any]:
        """Return the attempt as JSON-ready data."""
        data = self.model_dump(exclude={"id", "started_at", "next_attempt_at"})
        data["started_at"] = instant(self.started_at)
        data["next_attempt_at"] = (
            None if self.next_attempt_at is None else instant(self.next_attempt_at)
        )
        return data


class Execution(Frozen):
    """One firing of one automation by one event."""

    id: int
    webhook_id: str
    """Sent with every attempt, the same each time, so that a receiver can drop repeats."""
    automation_id: int
    automation: str
    revision: int
    event: Event
    endpoint: str | None
    status: Status
    reason: str | None
    due_at: datetime | None
    """The next try of a pending one, after a redelivery the moment it was asked for; the end of
    the cooldown that held back a skipped one."""
    created_at: AwareDatetime
    finished_at: datetime | None = None
    attempts: int = 0
    """Tries begun."""
    status_code: int | None = None
    """The last answer's."""
    duration_ms: float | None = None
    """The last try's, in milliseconds."""
    request_body: str | None = None
    """In shadow: what would have been sent."""

    def explanation(self, clock: str) -> str:
        """Return the reason in words; `clock` is the time of day or date of `due_at`."""
        if self.reason == HELD:
            return f"held: circuit of {self.endpoint} open until {clock}"
        if self.reason in _TIMED:
            return f"{_TIMED[self.reason]} {clock}"
        return self.reason or ""

    def as_data(self) -> dict[str, JsonValue]:
        """Return the execution as JSON-ready data."""
        due = None if self.due_at is None else instant(self.due_at)
        return {
            "id": self.id,
            "webhook_id": self.webhook_id,
            "automation": self.automation,
            "revision": self.revision,
            "endpoint": self.endpoint,
            "status": self.status.value,
            "reason": self.explanation(due or "") or None,
            "due_at": due,
            "created_at": instant(self.created_at),
            "finished_at": None if self.finished_at is None else instant(self.finished_at),
            "attempts": self.attempts,
            "status_code": self.status_code,
            "duration_ms": self.duration_ms,
            "request_body": self.request_body,
            "event": {**self.event.as_data(), "recorded_at": instant(self.event.recorded_at)},
        }


COOLDOWN = "cooldown"
HELD = "held"
"""By an open circuit, until the next probe at `due_at`."""
REDELIVERY = "redelivery"
SHADOW = "shadow"
_TIMED = {COOLDOWN: "cooldown until", REDELIVERY: "redelivery asked at"}
"""The reasons that `due_at` belongs to."""
