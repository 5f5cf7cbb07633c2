"""What people of the team do to the catalog, as data: a history and a live team share it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import JsonValue

from firetower.core.catalog import Content, Entry
from firetower.core.json import dump
from firetower.core.references import CollectionReference, VersionReference
from firetower.store.catalog import aliases as alias_changes
from firetower.store.catalog import tags, versions
from firetower.store.changes import Change
from firetower.tower import Tower
from firetower.tower.content import digest_of


@dataclass(frozen=True, slots=True)
class Log:
    """Log a version."""

    collection: str
    type: str
    metadata: Mapping[str, JsonValue]
    files: tuple[tuple[str, int], ...] = ()
    """Names and bytes."""
    references: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """Link a version into a registry."""

    version: str
    collection: str
    alias: str


@dataclass(frozen=True, slots=True)
class Unlink:
    """Remove a link."""

    version: str


@dataclass(frozen=True, slots=True)
class AddAlias:
    """Let an alias name a version."""

    version: str
    alias: str


@dataclass(frozen=True, slots=True)
class RemoveAlias:
    """Take an alias away."""

    version: str
    alias: str


@dataclass(frozen=True, slots=True)
class AddTag:
    """Tag a version, or a collection."""

    target: str
    tag: str


@dataclass(frozen=True, slots=True)
class RemoveTag:
    """Take a tag off."""

    target: str
    tag: str


Act = Log | Link | Unlink | AddAlias | RemoveAlias | AddTag | RemoveTag


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a story."""

    author: str
    act: Act
    after: timedelta = field(default=timedelta(0))
    """How long after the step before it."""


def perform(tower: Tower, act: Act) -> None:
    """Do it now, through the Python API. Raises as its verbs do."""
    match act:
        case Log():
            with TemporaryDirectory(prefix="firetower-run-") as folder:
                report = Path(folder, "metrics.json")
                report.write_text(dump(dict(act.metadata)))
                tower.log(
                    act.collection,
                    [report],
                    type=act.type,
                    references=act.references,
                    aliases=act.aliases,
                    metadata=act.metadata,
                )
        case Link(version, collection, alias):
            tower.link(version, collection, aliases=[alias])
        case Unlink(version):
            tower.unlink(version)
        case AddAlias(version, alias):
            tower.add_alias(version, alias)
        case RemoveAlias(version, alias):
            tower.remove_alias(version, alias)
        case AddTag(target, tag):
            tower.add_tag(target, tag)
        case RemoveTag(target, tag):
            tower.remove_tag(target, tag)


def write(change: Change, act: Act) -> None:
    """Do it inside a transaction, at the transaction's time and with files that never were."""
    match act:
        case Log():
            versions.log(
                change,
                CollectionReference.parse(act.collection),
                _content(change, act),
                type_=act.type,
                metadata=act.metadata,
                aliases=act.aliases,
            )
        case Link(version, collection, alias):
            target = CollectionReference.parse(collection)
            versions.link(change, VersionReference.parse(version), target, [alias])
        case Unlink(version):
            versions.unlink(change, VersionReference.parse(version))
        case AddAlias(version, alias):
            alias_changes.add_aliases(change, VersionReference.parse(version), [alias])
        case RemoveAlias(version, alias):
            alias_changes.remove_aliases(change, VersionReference.parse(version), [alias])
        case AddTag(target, tag) if ":" in target:
            tags.add_version_tags(change, VersionReference.parse(target), [tag])
        case AddTag(target, tag):
            tags.add_collection_tags(change, CollectionReference.parse(target), [tag])
        case RemoveTag(target, tag) if ":" in target:
            tags.remove_version_tags(change, VersionReference.parse(target), [tag])
        case RemoveTag(target, tag):
            tags.remove_collection_tags(change, CollectionReference.parse(target), [tag])


def _content(change: Change, act: Log) -> Content:
    def digest(name: str) -> str:
        return hashlib.sha256(f"{act.collection} {change.now} {name}".encode()).hexdigest()

    entries = [Entry(path=name, size=size, sha256=digest(name)) for name, size in act.files]
    entries += [Entry(path=uri, uri=uri) for uri in act.references]
    entries.sort(key=lambda entry: entry.path)
    return Content(entries=tuple(entries), digest=digest_of(entries))
