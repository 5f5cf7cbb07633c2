"""One version in full: what it holds, its metadata, its links and its edits."""

import json
from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import ClassVar

from textual.content import Content

from firetower.core.catalog import Entry, VersionChange, VersionDetail
from firetower.core.gallery import draft_for
from firetower.core.references import ContainerKind, VersionReference
from firetower.core.text import byte_count, counted, shortened, visible
from firetower.tui.actions import bindings_of
from firetower.tui.breadcrumbs import breadcrumbs, collection_steps
from firetower.tui.messages import OpenRun, WriteAutomation, post
from firetower.tui.screens.framed import TextPage
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import age, exact, hanging, json_lines, plain

FILES_SHOWN = 20
"""Files shown in the pane beside a list, and links."""
_MOST_FILES = 200
"""Files shown, and links; Y copies all."""


def newest_version_pane(tower: Tower, key: Hashable, now: datetime, width: int) -> Content:
    """Return a collection's newest version for the pane beside a list. Raises NotFound."""
    return version_pane(tower.version(f"{key}:latest"), now, width)


def version_pane(detail: VersionDetail, now: datetime, width: int) -> Content:
    """Return a version with its name and its first files."""
    title = Content.styled(visible(detail.version.reference), "bold")
    text = version_text(detail, now, width, most=FILES_SHOWN, hint="enter shows more")
    return Content("\n").join([title, text])


def version_text(
    detail: VersionDetail, now: datetime, width: int, *, most: int, hint: str
) -> Content:
    """Return what is known of a version: the first `most` files, `hint` says where the others are.

    Many files and much metadata take long: to be called in a thread.
    """
    version = detail.version
    made = f"{exact(version.created_at)}, {age(version.created_at, now)}, by {version.author}"
    holds = counted(version.file_count, "entry", "entries")
    if version.size:
        holds += f", {byte_count(version.size)}"
    facts = [
        ("aliases", ", ".join(version.aliases)),
        ("tags", ", ".join(version.tags)),
        ("type", version.type),
        ("made", made),
        ("about", version.description or ""),
        *_links(detail, most),
        ("logged by", ", ".join(detail.logged_by[:most])),
        ("used by", ", ".join(detail.used_by[:most])),
    ]
    parts = [
        *(hanging(name, value, width) for name, value in facts if value),
        *_others(len(detail.linked_as) - most, hint),
        Content(""),
        Content.styled("Metadata", "dim"),
        json_lines(version.metadata, hint) if version.metadata else Content("none"),
        *_changes(detail.changes, now, most, hint),
        Content(""),
        hanging("holds", holds, width),
        *_entries(detail.entries, width, most),
        *_others(len(detail.entries) - most, hint),
        hanging("digest", version.digest, width),
    ]
    return Content("\n").join(parts)


def _links(detail: VersionDetail, most: int) -> Iterator[tuple[str, str]]:
    version = detail.version
    if version.collection.container.kind is ContainerKind.REGISTRY:
        yield "source", version.source
        return
    name = "linked"
    for reference in detail.linked_as[:most] or ("nowhere: L links it into a registry",):
        yield name, reference
        name = ""


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


def _entries(entries: tuple[Entry, ...], width: int, most: int) -> Iterator[Content]:
    for entry in entries[:most]:
        size = "" if entry.size is None else f"{byte_count(entry.size):>9}"
        path = entry.uri or entry.path if entry.size is None else entry.path
        yield hanging(size, path, width)


def _others(count: int, hint: str) -> Iterator[Content]:
    if count > 0:
        yield Content.styled(f"… {count:,} more, {hint}", "dim")


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

    def read(self, tower: Tower, now: datetime, width: int) -> tuple[Content, Content]:
        detail = tower.version(self.reference)
        self._run = next(iter(detail.logged_by), None)
        text = version_text(detail, now, width, most=_MOST_FILES, hint="Y copies all")
        return self._title, text

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
