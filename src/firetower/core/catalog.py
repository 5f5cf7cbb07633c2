"""Registries, projects, collections and versions as they are shown; results of a search."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.json import dump
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    Frozen,
    Timestamp,
)

# Not a port, the tag of an image, or what comes after a path.
_PASSWORD = re.compile(r"://[^/:@\[]*:(?!\d*([/?#]|$))[^@]*@(?!sha\d+:)", re.DOTALL)


def check_no_password(uri: str) -> None:
    """Refuse a reference with a password: it is shown wherever the version is.

    Raises InvalidInput.
    """
    if _PASSWORD.search(uri):
        raise InvalidInput(
            "a reference has a user and password in it, which all readers of the version would see",
            "Leave them out: each reader logs in to that server with an account of their own.",
        )


class Container(Frozen):
    """A container, with the number of things in it."""

    reference: ContainerReference
    description: str
    author: str
    created_at: Timestamp
    collections: int
    versions: int
    automations: int

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        data = self.model_dump(mode="json", exclude={"reference"})
        return {self.reference.kind.value: str(self.reference), **data}


class Collection(Frozen):
    """A sequence of versions of one type."""

    reference: CollectionReference
    type: str
    author: str
    created_at: Timestamp
    versions: int
    tags: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        data = self.model_dump(mode="json", exclude={"reference"})
        return {"collection": str(self.reference), **data}


class Entry(Frozen):
    """A file of a version, or a reference to something kept elsewhere."""

    path: str
    size: int | None = None
    """Bytes; None for a reference."""
    sha256: str | None = None
    uri: str | None = None
    """For a reference."""
    checksum: str | None = None
    """As W&B's SDK logged it: a file's MD5 in base64, or what a reference's store says of it."""
    extra: dict[str, JsonValue] | None = None
    """What W&B's SDK notes of a reference, such as an object's version."""


class Content(Frozen):
    """The entries of a version, and one digest over them."""

    entries: tuple[Entry, ...]
    digest: str

    @classmethod
    def from_json(cls, entries_json: str, digest: str) -> Self:
        """Return the content whose `entries_json` is given."""
        text = f'{{"digest": {json.dumps(digest)}, "entries": {entries_json}}}'
        content = cls.model_validate_json(text)
        content.__dict__["entries_json"] = entries_json
        return content

    @cached_property
    def entries_json(self) -> str:
        """The entries as the database keeps them."""
        return dump([entry.model_dump(exclude_none=True) for entry in self.entries])

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size or 0 for entry in self.entries)


class Version(Frozen):
    """An artifact version in one collection; only its metadata and description can be edited."""

    collection: CollectionReference
    index: int
    artifact_id: str
    type: str
    digest: str
    size: int
    """Bytes of all files."""
    file_count: int
    description: str = ""
    metadata: dict[str, JsonValue]
    author: str
    created_at: Timestamp
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    source: str
    """Where it was logged."""

    @property
    def reference(self) -> str:
        """The full reference by index: `acme/vision/resnet:v3`."""
        return f"{self.collection}:v{self.index}"

    def __str__(self) -> str:
        return self.reference

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        renamed = {"files": self.file_count, "source_version": self.source}
        data = self.model_dump(mode="json", exclude={"collection", "index", "file_count", "source"})
        return {"version": self.reference, **data, **renamed}


class LoggedVersion(Version):
    """The version that was logged, or the equal one that was there."""

    created: bool
    """False where the content equals the collection's newest version, which is then returned."""
    metadata_differs: bool = False
    """True where that version has other metadata than was passed, which was not taken."""


class VersionChange(Frozen):
    """An edit of a version."""

    changed_at: Timestamp
    author: str
    field: str
    """`description`, or `metadata.KEY`."""
    old_json: str | None
    """None where there was nothing."""
    new_json: str | None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return self.model_dump(mode="json")


class VersionDetail(Frozen):
    """A version with its entries and links."""

    version: Version
    entries: tuple[Entry, ...]
    linked_as: tuple[str, ...]
    """Its references in registries."""
    changes: tuple[VersionChange, ...] = ()
    """Its edits, the newest first."""
    logged_by: tuple[str, ...] = ()
    """References of the runs that logged it."""
    used_by: tuple[str, ...] = ()
    """References of the runs that used it."""

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        data = self.model_dump(mode="json", exclude={"version", "entries"})
        entries = [entry.model_dump(exclude_none=True) for entry in self.entries]
        return {**self.version.as_data(), **data, "entries": entries}


class FoundKind(StrEnum):
    """The kinds of things that a search finds."""

    AUTOMATION = "automation"
    ENDPOINT = "endpoint"
    CONTAINER = "container"
    COLLECTION = "collection"
    VERSION = "version"
    EXECUTION = "execution"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing found, by the name under which it is opened."""

    kind: FoundKind
    name: str
    """An automation's or endpoint's name, a reference, or an execution's number."""
    label: str
    """What the search read: the name, or a reference by alias."""
    container: ContainerKind | None = None
    """Of a container and of an automation: what it is, or is in."""
    note: str = ""
    """A detail that tells it from others of its name."""
