"""One version in full."""

import json
from datetime import datetime
from typing import ClassVar

from textual.content import Content

from firetower.core.gallery import draft_for
from firetower.core.references import VersionReference
from firetower.tui.actions import bindings_of
from firetower.tui.breadcrumbs import breadcrumbs, collection_steps
from firetower.tui.details.version import version_text
from firetower.tui.messages import DatabaseChanged, OpenRun, WriteAutomation, post
from firetower.tui.screens.pages import TextPage
from firetower.tui.session import Tower, in_background, session_of

_MOST_FILES = 200
"""Files shown, and links; Y copies all."""


class VersionScreen(TextPage):
    """Metadata, every file, every link; it follows changes."""

    BINDINGS: ClassVar = bindings_of("version")

    def __init__(self, reference: str) -> None:
        self.reference = reference
        version = VersionReference.parse(reference)
        self._run: str | None = None
        """The run that logged it."""
        self._title = breadcrumbs(collection_steps(version.collection), version.selector)
        super().__init__(self._title)

    def on_resize(self) -> None:
        self._reload()

    def on_database_changed(self, _: DatabaseChanged) -> None:
        self._reload()

    def read(self, tower: Tower, now: datetime, width: int) -> tuple[Content, Content]:
        detail = tower.version(self.reference)
        self._run = next(iter(detail.logged_by), None)
        text = version_text(detail, now, width, most=_MOST_FILES, hint="Y copies all")
        return self._title, text

    async def _read(self) -> None:
        await super()._read()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the run where there is one."""
        return super().check_action(action, parameters) if self._run or action != "run" else False

    def action_run(self) -> None:
        if self._run is not None:
            post(self, OpenRun(self._run))

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
