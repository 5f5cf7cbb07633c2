"""One execution in full; it shows further attempts as they are made."""

from datetime import datetime
from typing import ClassVar

from textual.content import Content

from firetower.tui.actions import bindings_of
from firetower.tui.details.execution import (
    ExecutionRecord,
    as_curl,
    execution_text,
    execution_title,
    find_execution,
)
from firetower.tui.messages import DatabaseChanged, ExplainEvent, Redeliver, post
from firetower.tui.screens.pages import TextPage
from firetower.tui.session import Tower


class ExecutionScreen(TextPage):
    """What happened, why it fired, what was sent and answered."""

    BINDINGS: ClassVar = bindings_of("execution")

    def __init__(self, execution_id: int) -> None:
        super().__init__(f"Execution {execution_id}")
        self.execution_id = execution_id
        self._found: ExecutionRecord | None = None

    def on_resize(self) -> None:
        self._reload.at_once()

    def on_database_changed(self, event: DatabaseChanged) -> None:
        if any(execution.id == self.execution_id for execution in event.executions):
            self._reload()

    def read(self, tower: Tower, now: datetime, width: int) -> tuple[Content, Content]:
        self._found = found = find_execution(tower, self.execution_id)
        title = execution_title(found.execution, now, self.size.width - 2)
        return title, execution_text(found, now, width)

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
