"""Tables of the catalog, of the events its changes leave, and of single facts.

Not with the other tables, so that a command that only changes the catalog need not import them.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from firetower.core.references import ContainerKind
from firetower.store.columns import Id, Instant, NumberedRow, TableRow, one_of, partial_index, table


class ContainerRow(NumberedRow, table=True):
    """A registry or project, an entity that has projects, or the organization."""

    __tablename__ = "containers"
    __table_args__ = (
        UniqueConstraint("kind", "entity", "name"),
        one_of("kind", ContainerKind),
        CheckConstraint("(kind = 'project') = (entity <> '')", name="only_projects_have_entity"),
    )

    kind: str
    entity: str
    name: str
    description: str
    author: str
    created_at: datetime = Field(sa_type=Instant)


class CollectionRow(NumberedRow, table=True):
    """A sequence of versions of one type."""

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("container_id", "name"),)

    container_id: int = Field(foreign_key="containers.id", sa_type=Id)
    name: str
    type: str
    author: str
    created_at: datetime = Field(sa_type=Instant)
    next_index: int = 0
    """Indexes are never used again, also after an unlink."""


class CollectionTagRow(TableRow, table=True):
    """A tag on a collection."""

    __tablename__ = "collection_tags"

    collection_id: int = Field(primary_key=True, foreign_key="collections.id", sa_type=Id)
    tag: str = Field(primary_key=True)


class ManifestRow(TableRow, table=True):
    """The files and references of a content, kept once however often it is logged."""

    __tablename__ = "manifests"

    digest: str = Field(primary_key=True)
    entries: str = Field(sa_type=Text)


class VersionRow(NumberedRow, table=True):
    """An immutable artifact version, in the collection it was logged to."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("home_collection_id", "home_index"),)

    artifact_id: str = Field(unique=True)
    home_collection_id: int = Field(foreign_key="collections.id", sa_type=Id)
    home_index: int
    digest: str = Field(foreign_key="manifests.digest")
    size: int = Field(sa_type=Id)
    file_count: int
    metadata_json: str = Field(sa_type=Text)
    author: str
    created_at: datetime = Field(sa_type=Instant)
    description: str | None = None


class VersionChangeRow(NumberedRow, table=True):
    """An edit of a version: a row for its description, and for each key of its metadata."""

    __tablename__ = "version_changes"

    version_id: int = Field(foreign_key="versions.id", sa_type=Id, index=True)
    changed_at: datetime = Field(sa_type=Instant)
    author: str
    field: str
    """`description`, or `metadata.KEY`."""
    old_json: str | None = Field(default=None, sa_type=Text)
    new_json: str | None = Field(default=None, sa_type=Text)


class MembershipRow(TableRow, table=True):
    """A version in a collection: where it was logged, and wherever it is linked."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("collection_id", "version_id"),)

    collection_id: int = Field(primary_key=True, foreign_key="collections.id", sa_type=Id)
    version_index: int = Field(primary_key=True)
    version_id: int = Field(foreign_key="versions.id", sa_type=Id, index=True)
    author: str
    created_at: datetime = Field(sa_type=Instant)


def _in_membership() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["collection_id", "version_index"],
        ["memberships.collection_id", "memberships.version_index"],
    )


class AliasRow(TableRow, table=True):
    """An alias: the key allows one version of a collection to have it."""

    __tablename__ = "aliases"
    __table_args__ = (
        _in_membership(),
        Index("ix_aliases_version", "collection_id", "version_index"),
    )

    collection_id: int = Field(primary_key=True, sa_type=Id)
    alias: str = Field(primary_key=True)
    version_index: int


class VersionTagRow(TableRow, table=True):
    """A tag on a version in one collection."""

    __tablename__ = "version_tags"
    __table_args__ = (_in_membership(),)

    collection_id: int = Field(primary_key=True, sa_type=Id)
    version_index: int = Field(primary_key=True)
    tag: str = Field(primary_key=True)


class EventRow(NumberedRow, table=True):
    """What happened, written in the transaction in which it did."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("(version_id IS NULL) = (version_index IS NULL)", name="whole_version"),
        CheckConstraint("(collection_id IS NULL) = (run_id IS NOT NULL)", name="of_one"),
        CheckConstraint("(run_id IS NULL) = (container_id IS NULL)", name="run_has_project"),
        partial_index(
            "ix_events_unevaluated", "id", where="evaluated = 0", postgresql="evaluated = false"
        ),
        Index("ix_events_recorded", "recorded_at"),
        partial_index("ix_events_run", "run_id", where="run_id IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )

    type: str
    recorded_at: datetime = Field(sa_type=Instant)
    author: str
    collection_id: int | None = Field(default=None, foreign_key="collections.id", sa_type=Id)
    """None for an event of a run."""
    version_id: int | None = Field(default=None, foreign_key="versions.id", sa_type=Id)
    version_index: int | None = None
    alias: str | None = None
    tag: str | None = None
    previous_index: int | None = None
    evaluated: bool = False
    cause: str | None = None
    """The webhook-id of the execution for which the change was made."""
    run_id: int | None = Field(default=None, foreign_key="runs.id", sa_type=Id)
    container_id: int | None = Field(default=None, foreign_key="containers.id", sa_type=Id)
    """The project of a run's event; that of other events is their collection's."""
    run_json: str | None = Field(default=None, sa_type=Text)
    """The run as it was."""
    metric_json: str | None = Field(default=None, sa_type=Text)
    """The metric's values that fired it."""


class StateRow(TableRow, table=True):
    """Single facts about the database."""

    __tablename__ = "state"

    key: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)


aliases = table(AliasRow)
collection_tags = table(CollectionTagRow)
collections = table(CollectionRow)
containers = table(ContainerRow)
events = table(EventRow)
manifests = table(ManifestRow)
memberships = table(MembershipRow)
state = table(StateRow)
version_tags = table(VersionTagRow)
version_changes = table(VersionChangeRow)
versions = table(VersionRow)
