"""One version in full."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.catalog import Entry, VersionChange, VersionDetail
from firetower.core.errors import FiretowerError
from firetower.core.references import ContainerKind
from firetower.core.text import byte_count, counted, shortened, visible
from firetower.tui.actions import bindings_of
from firetower.tui.messages import DatabaseChanged
from firetower.tui.page import Dialog
from firetower.tui.refresh import Refresh
from firetower.tui.session import in_background, session_of
from firetower.tui.text import age, exact, field, json_lines, lines, plain, show_text
from firetower.tui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from firetower.tower import Tower

_MOST_FILES = 200
"""Files shown, and links; Y copies all."""


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
        now = session.now()

        def find(tower: Tower) -> Content:
            return version_text(tower.version(self.reference), now, _MOST_FILES, "Y copies all")

        try:
            said = await session.ask(find)
        except FiretowerError as error:
            said = lines(error.text)
        show_text(self.query_one("#detail", Static), said)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.reference)
        self.notify(f"Copied {self.reference}.")

    @in_background
    async def action_copy_all(self) -> None:
        """Copy all that is known of the version, as JSON."""

        def find(tower: Tower) -> str:
            return json.dumps(tower.version(self.reference).as_data(), indent=2)

        self.app.copy_to_clipboard(await session_of(self).ask(find))
        self.notify(f"Copied all of {self.reference}, as JSON.")


def version_text(detail: VersionDetail, now: datetime, most: int, hint: str) -> Content:
    """Return what is known of a version: the first `most` files, `hint` says where the others are.

    Many files and much metadata take long: to be called in a thread.
    """
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
        *([field("about", version.description)] if version.description else ()),
        *_links(detail, most, hint),
        Content(""),
        Content.styled("Metadata", "dim"),
        json_lines(version.metadata, hint) if version.metadata else Content("none"),
        *_changes(detail.changes, now, most, hint),
        Content(""),
        field("holds", holds),
        *_entries(detail.entries, most, hint),
        field("digest", version.digest),
    ]
    return Content("\n").join(parts)


def _links(detail: VersionDetail, most: int, hint: str) -> Iterator[Content]:
    version = detail.version
    if version.collection.container.kind is ContainerKind.REGISTRY:
        yield field("source", version.source)
        return
    name, links = "linked", detail.linked_as
    for reference in links[:most] or ("nowhere: L links it into a registry",):
        yield field(name, reference)
        name = ""
    yield from _others(len(links) - most, hint)


def _changes(
    changes: tuple[VersionChange, ...], now: datetime, most: int, hint: str
) -> Iterator[Content]:
    if changes:
        yield from (Content(""), Content.styled("Edited", "dim"))
    for one in changes[:most]:
        values = (shortened(value or "nothing", 60) for value in (one.old_json, one.new_json))
        said = f"{age(one.changed_at, now)}, by {one.author}: {one.field} {' → '.join(values)}"
        yield plain(said)
    yield from _others(len(changes) - most, hint)


def _entries(entries: tuple[Entry, ...], most: int, hint: str) -> Iterator[Content]:
    for entry in entries[:most]:
        if entry.size is None:
            yield plain(entry.uri or entry.path)
        else:
            yield Content.assemble((f"{byte_count(entry.size):>9}  ", "dim"), plain(entry.path))
    yield from _others(len(entries) - most, hint)


def _others(count: int, hint: str) -> Iterator[Content]:
    if count > 0:
        yield Content.styled(f"… {count:,} more, {hint}", "dim")
