"""One version in full."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.tui.actions import bindings_of
from firetower.tui.messages import DatabaseChanged
from firetower.tui.page import Dialog
from firetower.tui.refresh import Refresh
from firetower.tui.session import session_of
from firetower.tui.text import lines
from firetower.tui.version_text import version_text
from firetower.tui.widgets.key_line import KeyLine


class VersionScreen(Dialog[None]):
    """Metadata, every file, every link; it follows changes."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("version")

    def __init__(self, reference: str) -> None:
        super().__init__()
        self.reference = reference
        self._reload = Refresh(self, self._read)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="version"):
            yield Static("Loading …", id="detail")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._reload()

    def on_database_changed(self, _: DatabaseChanged) -> None:
        """Read it again."""
        self._reload()

    async def _read(self) -> None:
        session = session_of(self)
        try:
            detail = await session.ask(lambda tower: tower.version(self.reference))
            said = version_text(detail, session.now())
        except FiretowerError as error:
            said = lines(error.text)
        static = self.query_one("#detail", Static)
        if static.content != said:
            static.update(said)

    def action_copy(self) -> None:
        """Copy the reference."""
        self.app.copy_to_clipboard(self.reference)
        self.notify(f"Copied {self.reference}.", markup=False)
