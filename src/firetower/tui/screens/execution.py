"""One execution in full: what happened, why it fired, what was sent; and sending again."""

import json
import shlex
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual.content import Content

from firetower.core.automations import Revision
from firetower.core.executions import Attempt, Execution, Status
from firetower.core.filters import Trace
from firetower.core.filters.fields import MISSING
from firetower.core.text import quoted, shortened, visible
from firetower.tui.actions import bindings_of
from firetower.tui.messages import ExplainEvent, post
from firetower.tui.screens.framed import TextPage
from firetower.tui.session import Tower, in_background
from firetower.tui.text import (
    STYLES,
    body_lines,
    clock,
    flowing,
    folded,
    line_time,
    mark,
    milliseconds,
    more,
    plain,
)
from firetower.tui.widgets.feed_table import TONES
from firetower.tui.widgets.redeliver import redeliver

_SAID = 300
"""Characters of metadata."""
_MOST = 50
"""Conditions, and attempts: the newest."""


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """An execution with all that is shown of it."""

    execution: Execution
    attempts: Sequence[Attempt]
    revision: Revision
    causes: Sequence[Execution]
    """The execution that caused its event, the cause of that, and so on."""


def find_execution(tower: Tower, number: int) -> ExecutionRecord:
    """Read an execution. Raises NotFound."""
    execution, attempts = tower.executions.get(number)
    revision, causes = tower.executions.revision(execution), tower.executions.chain(execution)
    return ExecutionRecord(execution, attempts, revision, causes)


def execution_pane(tower: Tower, key: Hashable, now: datetime, width: int) -> Content | None:
    """Return the execution of a feed's line for the pane beside it; None for another line."""
    if not isinstance(key, int):
        return None
    found = find_execution(tower, key)
    title = execution_title(found.execution, now, width)
    return Content("\n").join([title, Content(""), execution_text(found, now, width)])


def execution_title(execution: Execution, now: datetime, width: int) -> Content:
    """Return the execution in one line, its numbers at the right edge where there is room."""
    state = execution.state
    said, why = f"{state.glyph} {state.value}", execution.describe(lambda one: clock(one, now))
    if execution.status is Status.FINISHED and execution.attempts:
        said += f" on attempt {execution.attempts:,}"
    elif why.startswith(state.value):  # "failed after …" says it already
        said = state.glyph
    title = Content.assemble(
        (visible(execution.automation), "bold"),
        "  ",
        (said, STYLES[TONES[state]]),
        plain(f"  {why}").stylize("dim") if why else "",
    )
    numbers = f"execution {execution.id} · revision {execution.revision}"
    space = width - title.cell_length - len(numbers)
    if space < 2:
        return title
    return Content.assemble(title, " " * space, (numbers, "dim"))


def execution_text(found: ExecutionRecord, now: datetime, width: int) -> Content:
    """Return what happened, why it fired, each attempt, and the request."""
    parts = [
        *_event(found.execution, now, width),
        *_why(found.revision, found.execution, width),
        *_causes(found.causes, width),
        Content(""),
        *_attempts(found.attempts, now, width),
        *_request(found.execution, found.attempts, width),
    ]
    return Content("\n").join(parts)


def _dim(text: str) -> Content:
    return plain(text).stylize("dim")


def _event(execution: Execution, now: datetime, width: int) -> Iterator[Content]:
    event = execution.event
    moved = "" if event.previous_index is None else f" (was v{event.previous_index})"
    said = [
        _dim(line_time(event.recorded_at, now)),
        plain(event.type.spec.label),
        plain(f"{event.subject} {event.detail}{moved}".rstrip()),
        _dim(f"by {event.author}"),
        _dim(f"event {event.id}"),
    ]
    if event.version is not None and event.version.source is not None:
        said.append(_dim(f"linked from {event.version.source}"))
    yield flowing("Event", said, width)
    if event.version is not None and event.version.metadata:
        metadata = json.dumps(event.version.metadata, ensure_ascii=False)
        shown, cut = [plain(metadata[:_SAID])], len(metadata) - _SAID
        if cut > 0:
            shown.append(_dim(more(cut, f"firetower show {event.subject} has all")))
        yield flowing("Metadata", shown, width)


def _why(revision: Revision, execution: Execution, width: int) -> Iterator[Content]:
    definition, event = revision.definition, execution.event
    held = mark(good=True)
    reasons = [
        held + plain(f"it watches {definition.scope.phrase.removeprefix('in ')}"),
        held + plain(f"the event is: {event.type.spec.label}"),
    ]
    predicates = list(_predicates(definition.filter.trace(event)))
    reasons += [_condition(trace) for trace in predicates[:_MOST]]
    if len(predicates) > _MOST:
        reasons.append(_dim(f"… {len(predicates) - _MOST:,} more"))
    reasons.append(_dim(f"revision {revision.number} of {definition.name}, by {revision.author}"))
    yield flowing("Why", reasons, width)


def _predicates(trace: Trace) -> Iterator[Trace]:
    if trace.combination is None:
        yield trace
    for part in trace.parts:
        yield from _predicates(part)


def _condition(trace: Trace) -> Content:
    actual = "it has none"
    if trace.actual is not MISSING:
        actual = f"it is {shortened(quoted(trace.actual), 80)}"
    return mark(trace.held) + plain(trace.expected) + _dim(f"  {actual}")


def _causes(causes: Sequence[Execution], width: int) -> Iterator[Content]:
    said = [plain(f"{one.automation}, execution {one.id}: {one.event.subject}") for one in causes]
    if said:
        yield flowing("Caused by", said, width)


def _attempts(attempts: Sequence[Attempt], now: datetime, width: int) -> Iterator[Content]:
    if len(attempts) > _MOST:
        said = [_dim(f"… {len(attempts) - _MOST:,} before these")]
        yield flowing("Attempts", said, width)
    for attempt in attempts[-_MOST:]:
        yield flowing(f"Attempt {attempt.number}", _attempt(attempt, now), width)


def _attempt(attempt: Attempt, now: datetime) -> Iterator[Content]:
    yield _dim(line_time(attempt.started_at, now))
    if attempt.was_sent:
        yield plain(f"{attempt.method} {attempt.url}")
    answer = "no answer" if attempt.status_code is None else str(attempt.status_code)
    good = attempt.status_code is not None and attempt.status_code < 300
    style = "$success" if good else "$error"
    yield Content.assemble((answer, style), f" in {milliseconds(attempt.duration_ms)}")
    if attempt.error:
        yield plain(attempt.error).stylize("$error")
    if attempt.response_body:
        yield _dim(f"answered {attempt.response_body}")
    if attempt.next_attempt_at is not None:
        again = f"again {line_time(attempt.next_attempt_at, now)}"
        yield Content.styled(again, "$warning")


def _request(execution: Execution, attempts: Sequence[Attempt], width: int) -> Iterator[Content]:
    sent = [attempt for attempt in attempts if attempt.was_sent]
    body = sent[-1].request_body if sent else execution.request_body
    if body is None:
        return
    said: list[Content] = [_dim("what would have been sent")]
    if sent:
        headers = sent[-1].request_headers.items()
        said = [plain(f"{name}: {value}") for name, value in headers]
    yield Content("")
    yield flowing("Request" if sent else "In shadow", said, width)
    yield folded(body_lines(body, "y copies all"), width)


def as_curl(attempts: Iterable[Attempt]) -> str | None:
    """Return the last request as a curl command, its secrets masked; None if none was sent."""
    sent = [attempt for attempt in attempts if attempt.was_sent]
    if not sent:
        return None
    last = sent[-1]
    parts = ["curl", "-X", last.method, last.url]
    for name, value in last.request_headers.items():
        parts += ["-H", f"{name}: {value}"]
    return shlex.join([*parts, "--data-raw", last.request_body])


class ExecutionScreen(TextPage):
    """What happened, why it fired, what was sent and answered."""

    BINDINGS: ClassVar = bindings_of("execution")

    def __init__(self, execution_id: int) -> None:
        super().__init__(f"Execution {execution_id}")
        self.execution_id = execution_id
        self._found: ExecutionRecord | None = None

    def read(self, tower: Tower, now: datetime, width: int) -> tuple[Content, Content]:
        self._found = found = find_execution(tower, self.execution_id)
        title = execution_title(found.execution, now, self.size.width - 2)
        return title, execution_text(found, now, width)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done with this execution, once it is read."""
        found = self._found
        match action:
            case "copy":
                return found is not None and (
                    bool(found.execution.request_body)
                    or any(one.was_sent for one in found.attempts)
                )
            case "explain":
                return found is not None
            case "redeliver":
                return found is not None and found.execution.endpoint is not None
        return super().check_action(action, parameters)

    def action_copy(self) -> None:
        if self._found is None:
            return
        command = as_curl(self._found.attempts)
        copied = command or self._found.execution.request_body or ""
        self.app.copy_to_clipboard(copied)
        self.notify("Copied as curl; its secrets are masked." if command else "Copied the body.")

    def action_explain(self) -> None:
        if self._found is not None:
            post(self, ExplainEvent(self._found.execution.event.id))

    @in_background
    async def action_redeliver(self) -> None:
        await redeliver(self, self.execution_id)
