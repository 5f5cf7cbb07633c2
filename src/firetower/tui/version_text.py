"""A version in full: what it holds, who made it, where it is linked."""

import json
from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from firetower.core.catalog import Entry, VersionDetail
from firetower.core.references import ContainerKind
from firetower.core.text import byte_count, counted, visible
from firetower.tui.text import ago, exact, lines, plain

_WIDTH = 9


def version_text(detail: VersionDetail, now: datetime, most: int | None = None) -> Content:
    """Return all that is known of a version; of its files the first `most`, unless None."""
    version = detail.version
    made = f"{exact(version.created_at)}, {_age(version.created_at, now)}, by {version.author}"
    holds = counted(version.file_count, "entry", "entries")
    if version.size:
        holds += f", {byte_count(version.size)}"
    labels = (("aliases", version.aliases), ("tags", version.tags))
    parts = [
        Content.styled(visible(version.reference), "bold"),
        *(_field(name, ", ".join(values)) for name, values in labels if values),
        _field("type", version.type),
        _field("made", made),
        *_links(detail),
        Content(""),
        Content.styled("Metadata", "dim"),
        _metadata(detail),
        Content(""),
        _field("holds", holds),
        *_entries(detail.entries, most),
        _field("digest", version.digest),
    ]
    return Content("\n").join(parts)


def _field(name: str, value: str) -> Content:
    return Content.assemble((f"{name:<{_WIDTH}}", "dim"), plain(value))


def _age(moment: datetime, now: datetime) -> str:
    said = ago(moment, now)
    return said if said == "now" else f"{said} ago"


def _links(detail: VersionDetail) -> Iterator[Content]:
    version = detail.version
    if version.collection.container.kind is ContainerKind.REGISTRY:
        yield _field("source", version.source)
        return
    name = "linked"
    for reference in detail.linked_as or ("nowhere: L links it into a registry",):
        yield _field(name, reference)
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
