"""One execution in full: what happened, why it fired, what was sent and answered."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.automations import Revision
from firetower.core.errors import FiretowerError
from firetower.core.executions import Attempt, Execution
from firetower.core.filters import Trace
from firetower.core.filters.fields import MISSING
from firetower.core.text import counted, quoted, shortened, visible
from firetower.tui.actions import bindings_of
from firetower.tui.messages import DatabaseChanged, ExplainEvent, post
from firetower.tui.page import Dialog
from firetower.tui.refresh import Refresh
from firetower.tui.session import in_background, redeliver, session_of
from firetower.tui.text import (
    STYLES,
    body_lines,
    clock,
    exact,
    field,
    lines,
    mark,
    milliseconds,
    more,
    plain,
)
from firetower.tui.widgets.feed_line import TONES
from firetower.tui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from firetower.tower import Tower


_WIDTH = 64
"""Cells in which long values are wrapped beside their names: what 80 columns leave."""
_SAID = 300
"""Characters of metadata."""
_MOST = 50
"""Conditions, and attempts: the newest."""


Found = tuple[Execution, list[Attempt], Revision, list[Execution]]


class ExecutionScreen(Dialog[None]):
    """What happened, why it fired, what was sent and answered; it shows further attempts."""

    BINDINGS: ClassVar = bindings_of("execution")

    def __init__(self, execution_id: int) -> None:
        super().__init__()
        self.execution_id = execution_id
        self._found: Found | None = None
        self._reload = Refresh(self, self._read)

    def compose(self) -> ComposeResult:
        yield Static("Loading …", id="headline")
        with VerticalScroll(id="execution"):
            yield Static("", id="detail")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._reload()

    def on_database_changed(self, event: DatabaseChanged) -> None:
        if any(execution.id == self.execution_id for execution in event.executions):
            self._reload()

    async def _read(self) -> None:
        session = session_of(self)
        now = session.now()

        def find(tower: Tower) -> tuple[Found, Content]:
            executions = tower.executions
            execution, attempts = executions.get(self.execution_id)
            revision, causes = executions.revision(execution), executions.chain(execution)
            found = execution, attempts, revision, causes
            return found, execution_text(*found, now)

        try:
            found, text = await session.ask(find)
        except FiretowerError as error:
            self.query_one("#headline", Static).update(lines(error.text))
            return
        self._found = found
        self.query_one("#headline", Static).update(headline(found[0], now))
        self.query_one("#detail", Static).update(text)

    def action_copy(self) -> None:
        if self._found is None:
            return
        execution, attempts, _, _ = self._found
        command = as_curl(attempts)
        copied = command or execution.request_body
        if not copied:
            self.notify("No request was sent.", severity="warning")
            return
        self.app.copy_to_clipboard(copied)
        self.notify("Copied as curl; its secrets are masked." if command else "Copied the body.")

    def action_explain(self) -> None:
        if self._found is not None:
            post(self, ExplainEvent(self._found[0].event.id))

    @in_background
    async def action_redeliver(self) -> None:
        await redeliver(self, self.execution_id)
        self._reload()


def headline(execution: Execution, now: datetime) -> Content:
    """Return the execution in one line."""
    state = execution.state
    attempts = f" after {counted(execution.attempts, 'attempt')}" if execution.attempts else ""
    return Content.from_markup(
        f"[b]$name[/b]  [{STYLES[TONES[state]]}]$state[/]$attempts  [dim]$reason[/dim]",
        name=visible(execution.automation),
        state=f"{state.glyph} {state.value}",
        attempts=attempts,
        reason=plain(execution.describe(lambda moment: clock(moment, now))),
    )


def execution_text(
    execution: Execution,
    attempts: Sequence[Attempt],
    revision: Revision,
    causes: Sequence[Execution],
    now: datetime,
) -> Content:
    """Return all that is known of an execution, as the screen shows it."""
    parts = [
        *_event(execution),
        *_why(revision, execution),
        *_causes(causes),
        *_attempts(attempts, now),
        *_request(execution, attempts),
    ]
    return Content("\n").join(parts)


def _field(name: str, value: Content | str, style: str = "") -> Content:
    shown = plain(value) if isinstance(value, str) else value
    return field(f" {name}", shown.stylize(style), width=12)


def _wrapped(name: str, value: str, style: str = "") -> Iterator[Content]:
    for part in wrap(plain(value).plain, _WIDTH) or [""]:
        yield _field(name, part, style)
        name = ""


def _event(execution: Execution) -> Iterator[Content]:
    event = execution.event
    moved = "" if event.previous_index is None else f" (was v{event.previous_index})"
    yield _field("Event", f"{event.type.spec.label}  {event.subject} {event.detail}{moved}")
    yield _field("", f"{exact(event.recorded_at)} by {event.author}, event {event.id}", "dim")
    if event.version is not None and event.version.source is not None:
        yield _field("", f"linked from {event.version.source}", "dim")
    if event.version is not None and event.version.metadata:
        said = json.dumps(event.version.metadata, ensure_ascii=False)
        cut = len(said) - _SAID
        yield from _wrapped("Metadata", said[:_SAID])
        if cut > 0:
            yield _field("", more(cut, f"firetower show {event.subject} has all"), "dim")
    yield Content("")


def _why(revision: Revision, execution: Execution) -> Iterator[Content]:
    definition, event = revision.definition, execution.event
    held = mark(good=True)
    yield _field("Why", held + plain(f"it watches {definition.scope.phrase.removeprefix('in ')}"))
    yield _field("", held + plain(f"the event is: {event.type.spec.label}"))
    predicates = list(_predicates(definition.filter.trace(event)))
    for trace in predicates[:_MOST]:
        yield _field("", _condition(trace))
    if len(predicates) > _MOST:
        yield _field("", f"… {len(predicates) - _MOST:,} more", "dim")
    said = f"revision {revision.number} of {definition.name}, by {revision.author}"
    yield _field("", said, "dim")
    yield Content("")


def _causes(causes: Sequence[Execution]) -> Iterator[Content]:
    name = "Caused by"
    for one in causes:
        yield _field(name, f"{one.automation}, execution {one.id}: {one.event.subject}")
        name = ""
    if causes:
        yield Content("")


def _predicates(trace: Trace) -> Iterator[Trace]:
    if trace.combination is None:
        yield trace
    for part in trace.parts:
        yield from _predicates(part)


def _condition(trace: Trace) -> Content:
    actual = "it has none"
    if trace.actual is not MISSING:
        actual = f"it is {shortened(quoted(trace.actual), 80)}"
    return mark(trace.held) + plain(trace.expected) + plain(f"   {actual}").stylize("dim")


def _attempts(attempts: Sequence[Attempt], now: datetime) -> Iterator[Content]:
    if len(attempts) > _MOST:
        yield _field("Attempts", f"… {len(attempts) - _MOST:,} before these", "dim")
    for attempt in attempts[-_MOST:]:
        yield from _attempt(attempt, now)


def _attempt(attempt: Attempt, now: datetime) -> Iterator[Content]:
    answer = "no answer" if attempt.status_code is None else str(attempt.status_code)
    good = attempt.status_code is not None and attempt.status_code < 300
    next_at = attempt.next_attempt_at
    again = "" if next_at is None else f"   again {clock(next_at, now)}"
    said = Content.assemble(
        (f"{exact(attempt.started_at)}  ", "dim"),
        (answer, "$success" if good else "$error"),
        plain(f" in {milliseconds(attempt.duration_ms)}"),
        (again, "$warning"),
    )
    yield _field(f"Attempt {attempt.number}", said)
    if attempt.was_sent:
        yield _field("", f"{attempt.method} {attempt.url}", "dim")
    if attempt.error:
        yield _field("", attempt.error, "$error")
    if attempt.response_body:
        yield from _wrapped("", f"answered {shortened(attempt.response_body, 500)}", "dim")


def _request(execution: Execution, attempts: Sequence[Attempt]) -> Iterator[Content]:
    sent = [attempt for attempt in attempts if attempt.was_sent]
    body = sent[-1].request_body if sent else execution.request_body
    if body is None:
        return
    yield Content("")
    first = "Request" if sent else "In shadow"
    if sent:
        for name, value in sent[-1].request_headers.items():
            yield from _wrapped(first, f"{name}: {value}")
            first = ""
    yield _field(first, "")
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
