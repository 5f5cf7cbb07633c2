"""One execution in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from firetower.core.automations import Revision
from firetower.core.errors import FiretowerError
from firetower.core.executions import Attempt, Execution
from firetower.tui.actions import bindings_of
from firetower.tui.execution_text import as_curl, execution_text, headline
from firetower.tui.messages import DatabaseChanged, ExplainEvent, post
from firetower.tui.page import Dialog
from firetower.tui.refresh import Refresh
from firetower.tui.session import redeliver, session_of
from firetower.tui.text import lines
from firetower.tui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from firetower.tower import Tower


Found = tuple[Execution, list[Attempt], Revision, list[Execution]]


class ExecutionScreen(Dialog[None]):
    """What happened, why it fired, what was sent and answered; it shows further attempts."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("execution")

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
        """Read it again if it is among those that changed."""
        if any(execution.id == self.execution_id for execution in event.executions):
            self._reload()

    async def _read(self) -> None:
        session = session_of(self)

        def find(tower: Tower) -> Found:
            execution, attempts = tower.executions.get(self.execution_id)
            executions = tower.executions
            return (
                execution,
                attempts,
                executions.revision(execution),
                executions.chain(execution),
            )

        try:
            self._found = found = await session.ask(find)
        except FiretowerError as error:
            self.query_one("#headline", Static).update(lines(error.text))
            return
        now = session.now()
        self.query_one("#headline", Static).update(headline(found[0], now))
        self.query_one("#detail", Static).update(execution_text(*found, now))

    def action_copy(self) -> None:
        """Copy the request as a curl command."""
        command = None if self._found is None else as_curl(self._found[1])
        if command is None:
            self.notify("No request was sent.", severity="warning", markup=False)
            return
        self.app.copy_to_clipboard(command)
        self.notify("Copied as curl; its secrets are masked.", markup=False)

    def action_explain(self) -> None:
        """Explain its event: why other automations did not fire."""
        if self._found is not None:
            post(self, ExplainEvent(self._found[0].event.id))

    @work(exit_on_error=False)
    async def action_redeliver(self) -> None:
        """Send it again, with the same webhook-id."""
        if await redeliver(self, self.execution_id):
            self._reload()
