"""Executions and their attempts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import JsonValue

from firetower.core.events import Event
from firetower.core.references import Frozen, Timestamp
from firetower.core.text import instant


class Status(StrEnum):
    """The status of an execution."""

    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens unless someone redelivers it."""
        return self is not Status.PENDING and self is not Status.RUNNING


class SkipReason(StrEnum):
    """Why an execution was skipped."""

    COOLDOWN = "cooldown"
    SHADOW = "shadow"
    LOOP = "loop"
    ENDPOINT_DISABLED = "endpoint_disabled"
    ENDPOINT_DELETED = "endpoint_deleted"


class ExecutionState(StrEnum):
    """A status as the feed shows it: pending split by what it waits for."""

    PENDING = "pending"
    QUEUED = "queued"
    """The circuit of its endpoint is open."""
    RETRYING = "retrying"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def glyph(self) -> str:
        """One cell that says it without colour."""
        return _GLYPHS[self]


_GLYPHS = {
    ExecutionState.PENDING: "◌",
    ExecutionState.QUEUED: "!",
    ExecutionState.RETRYING: "!",
    ExecutionState.RUNNING: "▸",
    ExecutionState.FINISHED: "✓",
    ExecutionState.FAILED: "✗",
    ExecutionState.SKIPPED: "–",
}


class Attempt(Frozen):
    """One HTTP request of an execution. Secrets in it are masked."""

    id: int
    number: int
    """From 1, without gaps: an attempt lost in a crash is recorded as lost."""
    started_at: Timestamp
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
    """The execution's status after this attempt."""
    next_attempt_at: Timestamp | None = None

    @property
    def ended_at(self) -> datetime:
        """When the answer arrived, or the attempt was given up."""
        return self.started_at + timedelta(milliseconds=self.duration_ms)

    @property
    def was_sent(self) -> bool:
        """Whether a request was sent."""
        return bool(self.url)

    def as_data(self) -> dict[str, Any]:
        """Return the attempt as JSON-ready data."""
        return self.model_dump(mode="json", exclude={"id"})


class Execution(Frozen):
    """One automation fired by one event."""

    id: int
    webhook_id: str
    """Sent with every attempt, always the same, so that a receiver can drop repeats."""
    automation_id: int
    automation: str
    revision: int
    event: Event
    endpoint: str | None
    status: Status
    skip_reason: SkipReason | None = None
    detail: str | None = None
    """More about a skip; of a failed or retrying execution, the last answer."""
    created_at: Timestamp
    next_attempt_at: Timestamp | None = None
    """While pending."""
    cooldown_until: Timestamp | None = None
    """The end of the cooldown that made it skip."""
    redelivery_requested_at: Timestamp | None = None
    circuit_open_until: Timestamp | None = None
    """Of a queued execution: when its endpoint's circuit lets the next probe through."""
    finished_at: Timestamp | None = None
    attempts: int = 0
    """Attempts begun."""
    status_code: int | None = None
    """Of the last answer."""
    duration_ms: float | None = None
    """Of the last attempt."""
    request_body: str | None = None
    """In shadow: the request that was not sent."""

    @property
    def state(self) -> ExecutionState:
        """The status as the feed shows it."""
        if self.circuit_open_until is not None:
            return ExecutionState.QUEUED
        if self.status is Status.PENDING and self.attempts > 0:
            return ExecutionState.RETRYING
        return ExecutionState(self.status.value)

    @property
    def did_nothing(self) -> bool:
        """Whether it was skipped, and not only in shadow."""
        return self.status is Status.SKIPPED and self.skip_reason is not SkipReason.SHADOW

    def describe(self, clock: Callable[[datetime], str]) -> str:
        """Say what it waits for, or why it was skipped or failed; "" for nothing.

        `clock` formats a time.
        """
        if self.status is Status.SKIPPED:
            return self._describe_skip(clock)
        if self.circuit_open_until is not None:
            probe = clock(self.circuit_open_until)
            return f"next probe {probe}, circuit of {self.endpoint} is open"
        if self.status is Status.PENDING and self.next_attempt_at is not None:
            if self.detail is not None:
                return f"{self.detail}, again {clock(self.next_attempt_at)}"
            if self.redelivery_requested_at is not None:
                return f"redelivery requested at {clock(self.redelivery_requested_at)}"
        return "" if self.status is Status.RUNNING else self.detail or ""

    def _describe_skip(self, clock: Callable[[datetime], str]) -> str:
        detail = f": {self.detail}" if self.detail else ""
        match self.skip_reason:
            case SkipReason.COOLDOWN if self.cooldown_until is not None:
                return f"cooldown until {clock(self.cooldown_until)}{detail}"
            case SkipReason.ENDPOINT_DISABLED:
                return f"endpoint {self.endpoint} is disabled{detail}"
            case SkipReason.ENDPOINT_DELETED:
                return "the endpoint was deleted"
        return f"{self.skip_reason}{detail}"

    def after(self, attempt: Attempt) -> Self:
        """Return the execution as it was right after one of its attempts."""
        newest = attempt.number == self.attempts and attempt.outcome is self.status
        answer = attempt.error or str(attempt.status_code)
        return self.model_copy(
            update={
                "status": attempt.outcome,
                "detail": self.detail if newest or attempt.outcome is Status.FINISHED else answer,
                "next_attempt_at": attempt.next_attempt_at,
                "circuit_open_until": None,
                "finished_at": attempt.ended_at if attempt.outcome.is_final else None,
                "attempts": attempt.number,
                "status_code": attempt.status_code,
                "duration_ms": attempt.duration_ms,
            }
        )

    def as_data(self) -> dict[str, JsonValue]:
        """Return the execution as JSON-ready data."""
        data = self.model_dump(mode="json", exclude={"id", "automation_id", "event", "attempts"})
        event = {**self.event.as_data(), "recorded_at": instant(self.event.recorded_at)}
        counted = {"state": self.state.value, "attempt_count": self.attempts}
        return {"execution_id": self.id, **data, **counted, "event": event}
