"""A database of artifacts and automations, opened for use."""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import TracebackType
from typing import Self

from firetower.core.catalog import Collection, Container, LoggedVersion, Version, VersionDetail
from firetower.core.errors import InvalidInput
from firetower.core.json import clean
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    VersionReference,
)
from firetower.store.catalog import aliases as alias_changes
from firetower.store.catalog import containers, tags, versions
from firetower.store.catalog.lookups import find_version
from firetower.store.status import Standing, read_mark, read_standing
from firetower.store.store import Store
from firetower.tower.automations import Automations
from firetower.tower.bulk import NewVersion, log_many
from firetower.tower.content import Progress, read_content
from firetower.tower.endpoints import Endpoints
from firetower.tower.events import Events
from firetower.tower.executions import Executions
from firetower.tower.explain import Explain
from firetower.tower.secrets import SecretBox
from firetower.tower.upkeep import Upkeep

Path = str | os.PathLike[str]


def connect(
    database: str | None = None,
    *,
    author: str | None = None,
    cause: str | None = None,
    read_only: bool = False,
) -> "Tower":
    """Open a database: a file's path, a `sqlite://` or a `postgresql://` URL.

    Without one it is the command line's: FIRETOWER_DATABASE_URL, or the file in the user's data
    folder. `author` is who the changes are recorded for; FIRETOWER_USER or the login name unless
    given. `cause` is the `webhook-id` of the request that the changes answer; FIRETOWER_CAUSE
    unless given. It ends a chain of automations that fire one another. With `read_only`, or
    FIRETOWER_READ_ONLY set, every change is refused. Raises StoreError when the database cannot be
    used, InvalidInput for a URL or a cause that cannot be read.
    """
    return Tower(Store.open(database, author=author, cause=cause, read_only=read_only))


class Tower:
    """An open database. Close it, or use it in a `with` block.

    A version is given as what `log` and `link` return, or as a reference: `acme/vision/resnet:v3`,
    `models/resnet:production`. Each call is one transaction: done whole, or not at all. Every call
    may raise StoreError; those that name things raise NotFound and InvalidInput.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def log(
        self,
        collection: str,
        paths: Iterable[Path] = (),
        *,
        type: str,  # noqa: A002 - the word of the command line and of W&B
        references: Iterable[str] = (),
        aliases: Iterable[str] = (),
        tags: Iterable[str] = (),
        metadata: Mapping[str, object] | None = None,
        progress: Progress | None = None,
    ) -> LoggedVersion:
        """Log a version of `entity/project/collection`, made with its project if they are new.

        Files are hashed, not copied. Content that equals the newest version makes no new one
        (`created` is False then); aliases and tags still apply. `latest` moves to it.
        """
        reference = CollectionReference.parse(collection)
        cleaned = clean(dict(metadata or {}), "the metadata")
        assert isinstance(cleaned, dict)
        content = read_content(paths, references, progress)
        with self._store.changing() as change:
            found, created = versions.log(
                change,
                reference,
                content,
                type_=type,
                metadata=cleaned,
                aliases=aliases,
                tags=tags,
            )
            version = versions.show(change.connection, self._store.known, found)
        return versions.logged(version, created=created)

    def log_many(
        self,
        items: Iterable[NewVersion | Mapping[str, object]],
        *,
        committed: Callable[[int], None] = lambda _: None,
        unit: str = "item",
    ) -> int:
        """Log versions given as what `log` takes, 200 in one transaction; return how many are new.

        `committed` is told how many each transaction had. Raises InvalidInput for the first that
        is refused: its batch is not logged, those before it are, and the error says so, calling
        each one `unit`.
        """
        return log_many(self._store, items, committed, unit)

    def link(
        self, version: Version | str, collection: str, *, aliases: Iterable[str] = ()
    ) -> Version:
        """Link a version into `registry/collection`, made if it is new; return it there.

        Linking it again changes nothing but the aliases.
        """
        source, target = _version(version), CollectionReference.parse(collection)
        with self._store.changing() as change:
            linked = versions.link(change, source, target, aliases)
            return versions.show(change.connection, self._store.known, linked)

    def unlink(self, version: Version | str) -> None:
        """Remove a link from a registry, with its aliases and tags there."""
        reference = _version(version)
        with self._store.changing() as change:
            versions.unlink(change, reference)

    def add_alias(self, version: Version | str, *aliases: str) -> None:
        """Let aliases name a version, moving those that name another version of its collection."""
        reference = _version(version)
        with self._store.changing() as change:
            alias_changes.add_aliases(change, reference, aliases)

    def remove_alias(self, version: Version | str, *aliases: str) -> None:
        """Take aliases off a version."""
        reference = _version(version)
        with self._store.changing() as change:
            alias_changes.remove_aliases(change, reference, aliases)

    def add_tag(self, target: Version | str, *labels: str) -> None:
        """Put tags on a version, or on a collection."""
        reference = _version_or_collection(target)
        with self._store.changing() as change:
            if isinstance(reference, VersionReference):
                tags.add_version_tags(change, reference, labels)
            else:
                tags.add_collection_tags(change, reference, labels)

    def remove_tag(self, target: Version | str, *labels: str) -> None:
        """Take tags off a version, or off a collection."""
        reference = _version_or_collection(target)
        with self._store.changing() as change:
            if isinstance(reference, VersionReference):
                tags.remove_version_tags(change, reference, labels)
            else:
                tags.remove_collection_tags(change, reference, labels)

    def create_registry(self, name: str, description: str = "") -> None:
        """Make a registry. Raises Conflict if there is one of this name."""
        with self._store.changing() as change:
            containers.create_container(change, ContainerReference.registry(name), description)

    def create_project(self, name: str, description: str = "") -> None:
        """Make a project, `entity/name`. Raises Conflict if there is one of this name."""
        with self._store.changing() as change:
            containers.create_container(change, ContainerReference.project(name), description)

    def registries(self) -> list[Container]:
        """Return every registry by name."""
        with self._store.reading() as connection:
            return containers.list_containers(connection, ContainerKind.REGISTRY)

    def projects(self) -> list[Container]:
        """Return every project by name."""
        with self._store.reading() as connection:
            return containers.list_containers(connection, ContainerKind.PROJECT)

    def container(self, reference: ContainerReference) -> tuple[Container, list[Collection]]:
        """Return a registry or project with its collections."""
        with self._store.reading() as connection:
            return (
                containers.show_container(connection, reference),
                containers.list_collections(connection, reference),
            )

    def version(self, version: Version | str) -> VersionDetail:
        """Return a version with its files and its links."""
        reference = _version(version)
        with self._store.reading() as connection:
            return versions.show_detail(connection, self._store.known, reference)

    def versions(self, collection: str) -> list[Version]:
        """Return a collection's versions, the newest first."""
        reference = CollectionReference.parse(collection)
        with self._store.reading() as connection:
            return list(versions.list_versions(connection, self._store.known, reference))

    def resolve(self, version: Version | str) -> str:
        """Return a version's reference by index: what an alias names at the moment."""
        reference = _version(version)
        with self._store.reading() as connection:
            return find_version(connection, reference).reference

    @cached_property
    def automations(self) -> Automations:
        """Making, listing and changing automations."""
        return Automations(self._store)

    @cached_property
    def endpoints(self) -> Endpoints:
        """Webhooks and Slack hooks."""
        return Endpoints(self._store)

    @cached_property
    def secrets(self) -> SecretBox:
        """Secrets, which can be set and never read back."""
        return SecretBox(self._store)

    @cached_property
    def events(self) -> Events:
        """What happened."""
        return Events(self._store)

    @cached_property
    def executions(self) -> Executions:
        """What was fired, and what became of it."""
        return Executions(self._store)

    @cached_property
    def explain(self) -> Explain:
        """Why automations fired, or did not."""
        return Explain(self._store)

    @cached_property
    def upkeep(self) -> Upkeep:
        """Forgetting what is old."""
        return Upkeep(self._store)

    def standing(self) -> Standing:
        """Return who works on the database, and what waits."""
        with self._store.reading() as connection:
            return read_standing(connection, self._store.clock())

    def mark(self) -> object:
        """Return what differs once anything but executions and workers' beats has changed."""
        with self._store.reading() as connection:
            return read_mark(connection)

    @property
    def read_only(self) -> bool:
        """Whether every change is refused."""
        return self._store.database.read_only

    def refuse_read_only(self) -> None:
        """Raise StoreError where every change is refused."""
        self._store.database.refuse_read_only()

    @property
    def location(self) -> str:
        """Where the database is, without a password."""
        return str(self._store.database.location)

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _version(version: Version | str) -> VersionReference:
    return VersionReference.parse(str(version))


def _version_or_collection(target: Version | str) -> VersionReference | CollectionReference:
    text = str(target)
    if not text:
        raise InvalidInput("nothing is named", "Name a version or a collection.")
    return VersionReference.parse(text) if ":" in text else CollectionReference.parse(text)
