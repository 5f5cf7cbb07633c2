"""The Python API: the same verbs as the command line.

Each public method reads its arguments and opens one transaction; the store does the work.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Self

from firetower.core.arguments import checked
from firetower.core.catalog import Collection, Container, LoggedVersion, Version, VersionDetail
from firetower.core.json import canonical, clean_object
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    VersionReference,
    check_text,
    check_texts,
    parse_target,
    path_text,
    text_of,
)
from firetower.core.runs import RunReference
from firetower.store.catalog import containers, versions
from firetower.store.catalog.content import Progress, read_content
from firetower.store.catalog.labels import add_aliases, add_tags, remove_aliases, remove_tags
from firetower.store.store import Store, Transactions

if TYPE_CHECKING:
    from firetower import automation_api as api
    from firetower.core.catalog import Found
    from firetower.core.runs import Run
    from firetower.explain_api import Explain
    from firetower.run import ActiveRun
    from firetower.run_api import Runs
    from firetower.secret_api import SecretBox
    from firetower.store.log_many import VersionToLog
    from firetower.store.status import DatabaseStatus
    from firetower.token_api import Tokens


@checked
def connect(
    database: str | os.PathLike[str] | None = None,
    *,
    author: str | None = None,
    cause: str | None = None,
    read_only: bool = False,
    on_wait: Callable[[str], object] | None = None,
) -> "Tower":
    """Open a database: a file's path, a `sqlite://` or a `postgresql://` URL.

    Without one it is the command line's: FIRETOWER_DATABASE_URL, or the file in the user's data
    folder. `author` is the name recorded with changes; FIRETOWER_USER or the login name unless
    given. `cause` is the `webhook-id` of the request that the changes answer; FIRETOWER_CAUSE
    unless given. It ends a chain of automations that fire one another. With `read_only`, or
    FIRETOWER_READ_ONLY set, every change is refused. `on_wait` is called with the name of the
    program that holds a lock, after a second of waiting for it. Raises StoreError when the
    database cannot be used, InvalidInput for a URL or a cause that cannot be read.
    """
    url = None if database is None else check_text(path_text(database), "database")
    return Tower(Store.open(url, author=author, cause=cause, read_only=read_only, on_wait=on_wait))


class Tower(Transactions):
    """An open database. Close it, or use it in a `with` block.

    A version is given as the result of `log` or `link`, or as a reference: `acme/vision/resnet:v3`,
    `models/resnet:production`. Each call is one transaction: done whole, or not at all. Every call
    may raise StoreError; those that name things raise NotFound and InvalidInput.
    """

    def log(
        self,
        collection: str,
        paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
        *,
        type: str,  # noqa: A002 - the word of the command line and of W&B
        references: Iterable[str] = (),
        aliases: Iterable[str] = (),
        tags: Iterable[str] = (),
        metadata: Mapping[str, object] | None = None,
        empty: bool = False,
        run: "Run | RunReference | str | None" = None,
        progress: Progress | None = None,
    ) -> LoggedVersion:
        """Log a version of `entity/project/collection`, made with its project if they are new.

        Files are hashed, not copied; links are followed. Content that equals the newest version
        makes no new one (`created` is False then); aliases and tags still apply, but metadata does
        not: where it differs, `metadata_differs` is True. `latest` moves to it. Without a file or
        reference it is refused, unless it may be `empty`. `run` is the run that made it.
        """
        reference = CollectionReference.parse(collection)
        values = clean_object(metadata, "the metadata")
        names, labels = check_texts(aliases, "aliases"), check_texts(tags, "tags")
        content = read_content(paths, references, progress, empty=empty)
        with self._store.changing() as change:
            found, created = versions.log(
                change, reference, content, type_=type, metadata=values, aliases=names, tags=labels
            )
            logged = versions.show(change, found)
            if run is not None:
                from firetower.store.lineage import link_artifact
                from firetower.store.runs import find_run

                run_row = find_run(change, RunReference.parse(text_of(run))).id
                link_artifact(change, run_row, found.version_id, used=False)
        differs = metadata is not None and canonical(values) != canonical(logged.metadata)
        return LoggedVersion(**dict(logged), created=created, metadata_differs=differs)

    def log_many(
        self,
        items: Iterable["VersionToLog | Mapping[str, object] | None"],
        *,
        committed: Callable[[int], None] = lambda _: None,
        metadata_differs: Callable[[int], None] = lambda _: None,
        unit: str = "item",
        run: "Run | RunReference | str | None" = None,
    ) -> int:
        """Log versions given as the arguments of `log`, 200 in one transaction.

        Return how many are new. None is counted and left out, as a blank line is. `committed` is
        called with the number of versions of each transaction, `metadata_differs` with the number,
        from 1, of each whose content is there already with other metadata, which stays. Raises
        FiretowerError for the first that is refused: its batch is not logged, those before it are,
        and the error says so, calling each one `unit`. `run` is the run that made them.
        """
        from firetower.store.log_many import log_many

        made_by = None if run is None else RunReference.parse(text_of(run))
        return log_many(self._store, items, committed, metadata_differs, unit=unit, run=made_by)

    def link(
        self, version: Version | str, collection: str, *, aliases: Iterable[str] = ()
    ) -> Version:
        """Link a version into `registry/collection`, made if it is new; return it there.

        `latest` moves to it there. Linking it again changes nothing but the aliases.
        """
        source, target = _version(version), CollectionReference.parse(collection)
        names = check_texts(aliases, "aliases")
        with self._store.changing() as change:
            return versions.show(change, versions.link(change, source, target, names))

    def update(
        self,
        version: Version | str,
        *,
        metadata: Mapping[str, object] | None = None,
        unset: Iterable[str] = (),
        description: str | None = None,
    ) -> Version:
        """Set keys of a version's metadata, remove those in `unset`, and set its description.

        The other keys stay; an empty description removes it. What changed and by whom is kept, and
        shown by `version`. It makes no event.
        """
        values = clean_object(metadata, "the metadata")
        keys = check_texts(unset, "keys")
        with self._store.changing() as change:
            found = versions.update(change, _version(version), values, keys, description)
            return versions.show(change, found)

    def unlink(self, version: Version | str) -> None:
        """Remove a link from a registry, with its aliases and tags there."""
        self._change(versions.unlink, _version(version))

    def delete(self, target: Version | str) -> int:
        """Delete a version with its links, or a collection with its versions; return how many.

        A registry's collection loses its links: what they link stays. Automations that watch a
        collection stay, for one of its name may be made again.
        """
        from firetower.store.catalog.deletion import delete

        return self._change(delete, parse_target(str(target)))

    def add_alias(self, version: Version | str, *aliases: str) -> tuple[str, ...]:
        """Add aliases to a version, moving those that name another version of its collection.

        Return those that it did not have.
        """
        return self._change(add_aliases, _version(version), aliases)

    def remove_alias(self, version: Version | str, *aliases: str) -> None:
        """Remove aliases from a version."""
        self._change(remove_aliases, _version(version), aliases)

    def add_tag(self, target: Version | str, *labels: str) -> tuple[str, ...]:
        """Add tags to a version, or to a collection; return those that it did not have."""
        return self._change(add_tags, parse_target(str(target)), labels)

    def remove_tag(self, target: Version | str, *labels: str) -> None:
        """Remove tags from a version, or from a collection."""
        self._change(remove_tags, parse_target(str(target)), labels)

    def create_registry(self, name: str, description: str = "") -> None:
        """Make a registry. Raises Conflict if there is one of this name."""
        reference = ContainerReference.registry(name)
        self._change(containers.create_container, reference, description)

    def create_project(self, name: str, description: str = "") -> None:
        """Make a project, `entity/name`. Raises Conflict if there is one of this name."""
        reference = ContainerReference.project(name)
        self._change(containers.create_container, reference, description)

    def registries(self) -> list[Container]:
        """Return every registry by name."""
        return self._read(containers.list_containers, ContainerKind.REGISTRY)

    def projects(self) -> list[Container]:
        """Return every project by name."""
        return self._read(containers.list_containers, ContainerKind.PROJECT)

    def entities(self) -> list[Container]:
        """Return every entity that has projects, by name, with its number of automations."""
        return self._read(containers.list_containers, ContainerKind.ENTITY)

    def organization(self) -> Container:
        """Return the organization, with its number of automations."""
        return self._read(containers.list_containers, ContainerKind.ORGANIZATION)[0]

    def container(self, reference: ContainerReference) -> tuple[Container, list[Collection]]:
        """Return a registry or project with its collections."""
        with self._store.reading() as reader:
            found = containers.show_container(reader, reference)
            return found, containers.list_collections(reader, reference)

    def version(self, version: Version | str) -> VersionDetail:
        """Return a version with its files, its links and its runs."""
        from firetower.store.lineage import with_runs

        reference = _version(version)
        with self._store.reading() as reader:
            return with_runs(reader, reference, versions.show_detail(reader, reference))

    def versions(
        self, collection: str, *, limit: int | None = None, before: int | None = None
    ) -> list[Version]:
        """Return a collection's versions, the newest first, each with its metadata.

        Of many read a page at a time: at most `limit`, those with an index below `before`.
        """
        reference = CollectionReference.parse(collection)
        return self._read(versions.list_versions, reference, limit=limit, before=before)

    def search(self, text: str) -> "list[Found]":
        """Return everything whose name has the words of a text, at most 20 of each kind."""
        from firetower.store.search import search

        return self._read(search, text)

    def status(self) -> "DatabaseStatus":
        """Return the workers alive, and how many executions wait."""
        from firetower.store.status import read_status

        return self._read(read_status)

    def mark(self) -> object:
        """Return a value that changes with everything but executions and heartbeats."""
        from firetower.store.status import read_mark

        return self._read(read_mark)

    @cached_property
    def automations(self) -> "api.Automations":
        """The automations."""
        from firetower.automation_api import Automations

        return Automations(self._store)

    @cached_property
    def endpoints(self) -> "api.Endpoints":
        """The webhooks and Slack channels."""
        from firetower.automation_api import Endpoints

        return Endpoints(self._store)

    @cached_property
    def events(self) -> "api.Events":
        """The events."""
        from firetower.automation_api import Events

        return Events(self._store)

    @cached_property
    def executions(self) -> "api.Executions":
        """The executions."""
        from firetower.automation_api import Executions

        return Executions(self._store)

    @cached_property
    def explain(self) -> "Explain":
        """Why automations fired, or did not."""
        from firetower.explain_api import Explain

        return Explain(self._store)

    def run(
        self,
        project: str,
        *,
        id: str | None = None,
        resume: bool = False,
        name: str | None = None,
        group: str | None = None,
        job_type: str | None = None,
        notes: str | None = None,
        tags: Iterable[str] | None = None,
        config: Mapping[str, object] | None = None,
    ) -> "ActiveRun":
        """Start the run of this script, to be used in a `with` block.

        Where FIRETOWER_RUN names a run, as inside `firetower run exec`, that run is joined, unless
        an id is given. Arguments are as for `runs.start`.
        """
        from firetower.run import join_or_start

        said = {"name": name, "group": group, "job_type": job_type, "notes": notes}
        return join_or_start(self, project, id, resume=resume, **said, tags=tags, config=config)

    @cached_property
    def runs(self) -> "Runs":
        """The runs, for programs that keep their state themselves; scripts use `run`."""
        from firetower.run_api import Runs

        return Runs(self._store)

    @cached_property
    def secrets(self) -> "SecretBox":
        """The secrets, which can be set and never read back."""
        from firetower.secret_api import SecretBox

        return SecretBox(self._store)

    @cached_property
    def tokens(self) -> "Tokens":
        """The API keys of `firetower serve`."""
        from firetower.token_api import Tokens

        return Tokens(self._store)

    @cached_property
    def upkeep(self) -> "api.Upkeep":
        """Deleting old history."""
        from firetower.automation_api import Upkeep

        return Upkeep(self._store)

    @property
    def read_only(self) -> bool:
        """Whether every change is refused."""
        return self._store.database.read_only

    def refuse_read_only(self) -> None:
        """Raise StoreError where every change is refused."""
        self._store.database.refuse_read_only()

    @property
    def url(self) -> str:
        """The database's URL with its password, for the environment of other programs."""
        return self._store.database.location.url.render_as_string(hide_password=False)

    @property
    def location(self) -> str:
        """The database's path or URL, without a password."""
        return str(self._store.database.location)

    def reopened(self) -> Self:
        """Return the same database with new connections: a forked process needs its own."""
        return type(self)(self._store.reopened())

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _version(version: Version | str) -> VersionReference:
    return VersionReference.parse(str(version))
