"""Scopes: where an automation watches."""

from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Discriminator, model_validator

from firetower.core.errors import InvalidInput
from firetower.core.events import Event
from firetower.core.filters.patterns import Pattern
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    Frozen,
    Name,
)
from firetower.core.text import quoted


class ContainerScope(Frozen):
    """A whole registry, project, entity or the organization, later collections included."""

    kind: Literal["container"] = "container"
    container: ContainerReference

    def covers(self, collection: CollectionReference, artifact_type: str) -> bool:  # noqa: ARG002
        """Return whether a collection lies in the scope."""
        return self.container.covers(collection.container)

    @property
    def phrase(self) -> str:
        """As a sentence says it: "in registry models"."""
        match self.container.kind:
            case ContainerKind.ENTITY:
                return f"in any project of {self.container}"
            case ContainerKind.ORGANIZATION:
                return "in the organization"
        return f"in {self.container.kind} {self.container}"

    @property
    def label(self) -> str:
        """As a column shows it."""
        return self.container.kind.value


class CollectionScope(Frozen):
    """One collection of a registry."""

    kind: Literal["collection"] = "collection"
    collection: CollectionReference

    @property
    def container(self) -> ContainerReference:
        """The registry that holds the collection."""
        return self.collection.container

    def covers(self, collection: CollectionReference, artifact_type: str) -> bool:  # noqa: ARG002
        """Return whether a collection lies in the scope."""
        return collection == self.collection

    @property
    def phrase(self) -> str:
        """As a sentence says it: "in collection models/resnet"."""
        return f"in collection {self.collection}"

    @property
    def label(self) -> str:
        """As a column shows it."""
        return self.collection.name


class CollectionsScope(Frozen):
    """The collections of a project that match a filter, with those that come later."""

    kind: Literal["collections"] = "collections"
    container: ContainerReference
    glob: Name | None = None
    regex: Pattern | None = None
    artifact_type: Name | None = None

    @model_validator(mode="after")
    def _says_which(self) -> "CollectionsScope":
        if self.glob is not None and self.regex is not None:
            raise InvalidInput(
                "the scope has both a glob and a regex for the collection's name", "Keep one."
            )
        if self.glob is None and self.regex is None and self.artifact_type is None:
            raise InvalidInput(
                "the scope does not say which collections match",
                "Give a glob, a regex or a type, or watch the whole project.",
            )
        return self

    def covers(self, collection: CollectionReference, artifact_type: str) -> bool:
        """Return whether a collection lies in the scope."""
        return (
            collection.container == self.container
            and (self.artifact_type is None or self.artifact_type == artifact_type)
            and (self.glob is None or fnmatchcase(collection.name, self.glob))
            and (self.regex is None or self.regex.search(collection.name))
        )

    @cached_property
    def label(self) -> str:
        """As a column shows it: "resnet-*, type model"."""
        parts = [] if self.glob is None else [self.glob]
        if self.regex is not None:
            parts.append(f"/{self.regex}/")
        if self.artifact_type is not None:
            parts.append(f"type {self.artifact_type}")
        return ", ".join(parts)

    @property
    def phrase(self) -> str:
        """As a sentence says it."""
        return f"in collections {self.label} of project {self.container}"


Scope = Annotated[ContainerScope | CollectionScope | CollectionsScope, Discriminator("kind")]


def covers(scope: Scope, event: Event) -> bool:
    """Return whether an event happened in a scope; one of a run lies in no collection."""
    if event.collection is None:
        return isinstance(scope, ContainerScope) and scope.container.covers(event.container)
    return scope.covers(event.collection, event.artifact_type)


def collections_scope(
    project: ContainerReference, pattern: str | None, artifact_type: str | None
) -> ContainerScope | CollectionsScope:
    """Return the scope for `--collections PATTERN --type TYPE`: a glob, or a regex in slashes.

    Raises InvalidInput for a regex that RE2 refuses.
    """
    if pattern is None and artifact_type is None:
        return ContainerScope(container=project)
    if pattern is not None and len(pattern) > 1 and pattern[0] == pattern[-1] == "/":
        regex = Pattern(pattern[1:-1])
        return CollectionsScope(container=project, regex=regex, artifact_type=artifact_type)
    if pattern is not None and (not pattern or "/" in pattern):
        raise InvalidInput(
            f"collection pattern {quoted(pattern)} is neither a glob nor a /regex/",
            "Write a glob such as resnet-*, or a regex in slashes such as /^resnet/.",
        )
    return CollectionsScope(container=project, glob=pattern, artifact_type=artifact_type)
