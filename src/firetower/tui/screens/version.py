"""One version in full."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.catalog import Entry, VersionDetail
from firetower.core.errors import FiretowerError
from firetower.core.references import ContainerKind
from firetower.core.text import byte_count, counted, visible
from firetower.tui.actions import bindings_of
from firetower.tui.messages import DatabaseChanged
from firetower.tui.page import Dialog
from firetower.tui.refresh import Refresh
from firetower.tui.session import session_of
from firetower.tui.text import age, exact, field, lines, plain, show_text
from firetower.tui.widgets.key_line import KeyLine


class VersionScreen(Dialog[None]):
    """Metadata, every file, every link; it follows changes."""

    BINDINGS: ClassVar = bindings_of("version")

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
        self._reload()

    async def _read(self) -> None:
        session = session_of(self)
        try:
            detail = await session.ask(lambda tower: tower.version(self.reference))
            said = version_text(detail, session.now())
        except FiretowerError as error:
            said = lines(error.text)
        show_text(self.query_one("#detail", Static), said)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.reference)
        self.notify(f"Copied {self.reference}.")


def version_text(detail: VersionDetail, now: datetime, most: int | None = None) -> Content:
    """Return all that is known of a version; of its files the first `most`, unless None."""
    version = detail.version
    made = f"{exact(version.created_at)}, {age(version.created_at, now)}, by {version.author}"
    holds = counted(version.file_count, "entry", "entries")
    if version.size:
        holds += f", {byte_count(version.size)}"
    labels = (("aliases", version.aliases), ("tags", version.tags))
    parts = [
        Content.styled(visible(version.reference), "bold"),
        *(field(name, ", ".join(values)) for name, values in labels if values),
        field("type", version.type),
        field("made", made),
        *_links(detail),
        Content(""),
        Content.styled("Metadata", "dim"),
        _metadata(detail),
        Content(""),
        field("holds", holds),
        *_entries(detail.entries, most),
        field("digest", version.digest),
    ]
    return Content("\n").join(parts)


def _links(detail: VersionDetail) -> Iterator[Content]:
    version = detail.version
    if version.collection.container.kind is ContainerKind.REGISTRY:
        yield field("source", version.source)
        return
    name = "linked"
    for reference in detail.linked_as or ("nowhere: L links it into a registry",):
        yield field(name, reference)
        name = ""


def _metadata(detail: VersionDetail) -> Content:
    if not detail.version.metadata:
        return Content("none")
    return lines(json.dumps(detail.version.metadata, indent=2, ensure_ascii=False))


def _entries(entries: tuple[Entry, ...], most: int | None) -> Iterator[Content]:
    for entry in entries[:most]:
        if entry.size is None:
            yield plain(entry.uri or entry.path)
        else:
            yield Content.assemble((f"{byte_count(entry.size):>9}  ", "dim"), plain(entry.path))
    if most is not None and len(entries) > most:
        yield Content.styled(f"… {len(entries) - most:,} more: enter shows all", "dim")
