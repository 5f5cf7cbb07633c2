"""One execution in full; it shows further attempts as they are made."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.tui.actions import bindings_of
from firetower.tui.details.execution import (
    ExecutionRecord,
    as_curl,
    execution_text,
    execution_title,
    find_execution,
)
from firetower.tui.messages import DatabaseChanged, ExplainEvent, Redeliver, post
from firetower.tui.page import Page
from firetower.tui.session import Refresh, Tower, session_of
from firetower.tui.text import lines, show_text
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.key_line import KeyLine

_EDGES = 3
"""Cells beside the text: its padding, and the scroll bar."""


class ExecutionScreen(Page[None]):
    """What happened, why it fired, what was sent and answered."""

    BELONGS_TO: ClassVar = "mode"
    BINDINGS: ClassVar = bindings_of("execution")

    def __init__(self, execution_id: int) -> None:
        super().__init__()
        self.execution_id = execution_id
        self._found: ExecutionRecord | None = None
        self._reload = Refresh(self, self._read)

    def compose(self) -> ComposeResult:
        yield Bar(self.app.current_mode)
        yield Static("Loading …", classes="heading", id="headline")
        with VerticalScroll(id="execution"):
            yield Static("", id="detail")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._reload()

    def on_resize(self) -> None:
        self._reload.at_once()

    def on_database_changed(self, event: DatabaseChanged) -> None:
        if any(execution.id == self.execution_id for execution in event.executions):
            self._reload()

    async def _read(self) -> None:
        session, width = session_of(self), self.size.width
        now = session.now()

        def find(tower: Tower) -> tuple[ExecutionRecord, Content]:
            found = find_execution(tower, self.execution_id)
            return found, execution_text(found, now, width - _EDGES)

        try:
            record, text = await session.ask(find)
        except FiretowerError as error:
            show_text(self.query_one("#headline", Static), lines(error.text))
            return
        self._found = record
        title = execution_title(record.execution, now, width - 2)
        show_text(self.query_one("#headline", Static), title)
        show_text(self.query_one("#detail", Static), text)

    def action_copy(self) -> None:
        if self._found is None:
            return
        command = as_curl(self._found.attempts)
        copied = command or self._found.execution.request_body
        if not copied:
            self.notify("No request was sent.", severity="warning")
            return
        self.app.copy_to_clipboard(copied)
        self.notify("Copied as curl; its secrets are masked." if command else "Copied the body.")

    def action_explain(self) -> None:
        if self._found is not None:
            post(self, ExplainEvent(self._found.execution.event.id))

    def action_redeliver(self) -> None:
        post(self, Redeliver(self.execution_id))
