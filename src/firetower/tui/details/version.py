"""A version in full: what it holds, its metadata, its links and its edits."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from firetower.core.catalog import Entry, VersionChange, VersionDetail
from firetower.core.references import ContainerKind
from firetower.core.text import byte_count, counted, shortened, visible
from firetower.tui.text import age, exact, field, json_lines, plain

if TYPE_CHECKING:
    from firetower.tower import Tower

FILES_SHOWN = 20
"""Files shown in the pane beside a list, and links."""


def read_version(tower: Tower, reference: Hashable, now: datetime, width: int) -> Content:  # noqa: ARG001
    """Return a version as the pane beside a list shows it. Raises NotFound."""
    return version_text(tower.version(str(reference)), now, FILES_SHOWN, "enter shows more")


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
