"""One execution in full: what happened, why it fired, what was sent; and sending again."""

import json
import shlex
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from textual.content import Content
from textual.screen import Screen

from firetower.core.automations import Revision
from firetower.core.endpoints import Endpoint
from firetower.core.executions import Attempt, Execution, Status
from firetower.core.filters import Trace
from firetower.core.filters.fields import MISSING
from firetower.core.text import counted, quoted, shortened, visible
from firetower.tui.actions import bindings_of
from firetower.tui.messages import DatabaseChanged, ExplainEvent, Redeliver, post
from firetower.tui.page import ask
from firetower.tui.screens.framed import TextPage
from firetower.tui.session import Tower, session_of
from firetower.tui.text import (
    STYLES,
    body_lines,
    clock,
    flowing,
    line_time,
    mark,
    milliseconds,
    more,
    plain,
)
from firetower.tui.widgets.ask import Confirm, Picker
from firetower.tui.widgets.entries import Offer
from firetower.tui.widgets.feed_table import TONES

_SAID = 300
"""Characters of metadata."""
_MOST = 50
"""Conditions, and attempts: the newest."""
_SPANS: Mapping[str, timedelta | None] = {
    "the last hour": timedelta(hours=1),
    "24 h": timedelta(days=1),
    "7 days": timedelta(days=7),
    "all that is kept": None,
}
_BEGINNING = datetime.fromtimestamp(0, UTC)
_SHOWN = 6
"""Endpoints that a plan names."""


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
    yield body_lines(body, "y copies all")


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

    def on_database_changed(self, event: DatabaseChanged) -> None:
        if any(execution.id == self.execution_id for execution in event.executions):
            self._reload()

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

    def action_redeliver(self) -> None:
        post(self, Redeliver(self.execution_id))


async def redeliver(source: Screen[Any], execution_id: int) -> None:
    """Ask whether to send one execution again, and send it. Raises FiretowerError."""
    session = session_of(source)
    execution, _ = await session.ask(lambda tower: tower.executions.get(execution_id))
    if execution.endpoint is None:
        source.notify("It has nothing to send: its automation only records.", severity="warning")
        return
    event = execution.event
    detail = (
        f"{event.type.spec.label}: {event.subject} {event.detail}".rstrip()
        + f"\nIt goes to {visible(execution.endpoint)} once more, with the same webhook-id."
    )
    stopped = [one.endpoint for one in await session.ask(lambda tower: tower.endpoints.stopped())]
    if any(one.name == execution.endpoint and not one.enabled for one in stopped):
        detail += "\nThat is disabled: it waits there until it is enabled."
    question = f"Send execution {execution_id} of {execution.automation} again?"
    if await ask(source, Confirm(question, detail, [("send", "Send again")])):
        await session.ask(lambda tower: tower.executions.redeliver([execution_id]))
        source.notify("Queued to be sent again.")


async def redeliver_failed(source: Screen[Any], name: str | None) -> None:
    """Ask since when, show the plan, ask again, and send. Raises FiretowerError.

    `name` is that of the only endpoint, or None for all.
    """
    session = session_of(source)
    endpoint = None if name is None else await session.ask(lambda tower: tower.endpoints.find(name))
    where = "" if endpoint is None else f" to {visible(endpoint.name)}"
    now = session.now()
    since = {label: _BEGINNING if span is None else now - span for label, span in _SPANS.items()}
    plans = await session.ask(
        lambda tower: {
            label: _narrowed(tower.executions.failed_since(moment), endpoint)
            for label, moment in since.items()
        }
    )
    totals = {label: sum(plan.values()) for label, plan in plans.items()}
    if not any(totals.values()):
        source.notify(f"Nothing that was sent{where} has failed.")
        return
    offers = [
        Offer(label, label, f"{total:,} failed", "" if total else "nothing failed")
        for label, total in totals.items()
    ]
    chosen = await ask(source, Picker(f"Send again what failed{where} in", offers))
    if chosen is None:
        return
    moment, total = since[chosen], counted(totals[chosen], "execution")
    plan = _plan_words(plans[chosen])
    if await ask(source, Confirm(f"Send {total} again?", plan, [("send", "Send again")])):
        number = None if endpoint is None else endpoint.id
        sent = await session.ask(
            lambda tower: tower.executions.redeliver_failed(moment, endpoint_id=number)
        )
        source.notify(f"{counted(sent, 'execution')} will be sent again.")


def _narrowed(plan: Mapping[str, int], endpoint: Endpoint | None) -> dict[str, int]:
    """Return the part of a plan that goes to one endpoint, or all of it."""
    return {name: n for name, n in plan.items() if endpoint is None or name == endpoint.name}


def _plan_words(plan: Mapping[str, int]) -> str:
    most = sorted(plan.items(), key=lambda one: (-one[1], one[0]))
    lines = [f"{number:,} to {visible(name)}" for name, number in most[:_SHOWN]]
    if len(most) > _SHOWN:
        lines.append(f"{sum(number for _, number in most[_SHOWN:]):,} to others")
    return "\n".join([*lines, "Ten a second to each, with the webhook-id they had."])
