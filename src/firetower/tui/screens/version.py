"""One version in full."""

import json
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.core.gallery import draft_for
from firetower.core.references import VersionReference
from firetower.tui.actions import bindings_of
from firetower.tui.breadcrumbs import breadcrumbs, collection_steps
from firetower.tui.details.version import version_text
from firetower.tui.messages import DatabaseChanged, WriteAutomation, post
from firetower.tui.page import Page
from firetower.tui.session import Refresh, Tower, in_background, session_of
from firetower.tui.text import lines, show_text
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.key_line import KeyLine

_MOST_FILES = 200
"""Files shown, and links; Y copies all."""
_EDGES = 3
"""Cells beside the text."""


class VersionScreen(Page[None]):
    """Metadata, every file, every link; it follows changes."""

    BELONGS_TO: ClassVar = "mode"
    BINDINGS: ClassVar = bindings_of("version")

    def __init__(self, reference: str) -> None:
        super().__init__()
        self.reference = reference
        self._reload = Refresh(self, self._read)

    def compose(self) -> ComposeResult:
        version = VersionReference.parse(self.reference)
        yield Bar(self.app.current_mode)
        title = breadcrumbs(collection_steps(version.collection), version.selector)
        yield Static(title, classes="heading")
        with VerticalScroll(id="version"):
            yield Static("Loading …", id="detail")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._reload()

    def on_resize(self) -> None:
        self._reload()

    def on_database_changed(self, _: DatabaseChanged) -> None:
        self._reload()

    async def _read(self) -> None:
        session = session_of(self)
        now, width = session.now(), self.size.width - _EDGES

        def find(tower: Tower) -> Content:
            detail = tower.version(self.reference)
            return version_text(detail, now, width, most=_MOST_FILES, hint="Y copies all")

        try:
            said = await session.ask(find)
        except FiretowerError as error:
            said = lines(error.text)
        show_text(self.query_one("#detail", Static), said)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.reference)
        self.notify(f"Copied {self.reference}.")

    @in_background
    async def action_automate(self) -> None:
        detail = await session_of(self).ask(lambda tower: tower.version(self.reference))
        draft = draft_for(detail.version.collection, detail.version.aliases)
        post(self, WriteAutomation(draft))

    @in_background
    async def action_copy_all(self) -> None:
        """Copy all that is known of the version, as JSON."""

        def find(tower: Tower) -> str:
            return json.dumps(tower.version(self.reference).as_data(), indent=2)

        self.app.copy_to_clipboard(await session_of(self).ask(find))
        self.notify(f"Copied all of {self.reference}, as JSON.")
