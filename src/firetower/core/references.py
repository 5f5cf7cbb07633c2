"""References: how people name registries, projects, collections and versions."""

from enum import StrEnum
from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict

from firetower.core.errors import InvalidInput
from firetower.core.names import check_name, is_version_like
from firetower.core.text import quoted, shortened

WANDB_REGISTRY_PREFIX = "wandb-registry-"
"""W&B keeps a registry as a project of this name; both spellings are accepted."""


class ContainerKind(StrEnum):
    """What holds collections and automations."""

    REGISTRY = "registry"
    PROJECT = "project"


class Frozen(BaseModel):
    """A value that never changes and knows no fields but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    # Built at the first use: a command uses few of the models that it imports.


class ContainerReference(Frozen):
    """A registry (`models`) or a project (`acme/vision`)."""

    kind: ContainerKind
    entity: str = ""
    name: str

    @classmethod
    def registry(cls, text: str) -> Self:
        """Read a registry's name, with or without W&B's prefix. Raises InvalidInput."""
        name = text.removeprefix(WANDB_REGISTRY_PREFIX)
        return cls(kind=ContainerKind.REGISTRY, name=check_name(name, "registry name"))

    @classmethod
    def project(cls, text: str) -> Self:
        """Read `entity/name`. Raises InvalidInput."""
        entity, slash, name = text.partition("/")
        if not slash:
            raise InvalidInput(
                f"project {quoted(shortened(text, 80))} has no entity",
                "Write it as ENTITY/PROJECT, for example acme/vision.",
            )
        return cls(
            kind=ContainerKind.PROJECT,
            entity=check_name(entity, "entity"),
            name=check_name(name, "project name"),
        )

    @cached_property
    def full_name(self) -> str:
        """The name as people write it: `models`, or `acme/vision`."""
        return f"{self.entity}/{self.name}" if self.entity else self.name

    def __str__(self) -> str:
        return self.full_name


class CollectionReference(Frozen):
    """A collection: `acme/vision/resnet` in a project, `models/resnet` in a registry."""

    container: ContainerReference
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a collection's full name. Raises InvalidInput."""
        parts = text.split("/")
        if len(parts) == 3 and parts[1].startswith(WANDB_REGISTRY_PREFIX):
            parts = parts[1:]  # W&B writes the organization before a registry
        if len(parts) == 3:
            container = ContainerReference.project("/".join(parts[:2]))
        elif len(parts) == 2:
            container = ContainerReference.registry(parts[0])
        else:
            raise InvalidInput(
                f"{quoted(shortened(text, 80))} does not name a collection",
                "Write ENTITY/PROJECT/COLLECTION, or REGISTRY/COLLECTION.",
            )
        return cls(container=container, name=check_name(parts[-1], "collection name"))

    @cached_property
    def full_name(self) -> str:
        """The name as people write it: `models/resnet`, or `acme/vision/resnet`."""
        return f"{self.container.full_name}/{self.name}"

    def __str__(self) -> str:
        return self.full_name


class VersionReference(Frozen):
    """One version of a collection, by its index (`:v3`) or by an alias (`:production`)."""

    collection: CollectionReference
    selector: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `COLLECTION:v3` or `COLLECTION:alias`. Raises InvalidInput."""
        path, colon, selector = text.partition(":")
        if not colon or not selector:
            raise InvalidInput(
                f"{quoted(shortened(text, 80))} does not name a version",
                "Add :v0 or an alias: acme/vision/resnet:v0, or models/resnet:production.",
            )
        return cls(
            collection=CollectionReference.parse(path), selector=check_name(selector, "alias")
        )

    @property
    def index(self) -> int | None:
        """The version's index, or None where an alias names it."""
        return int(self.selector[1:]) if is_version_like(self.selector) else None

    def __str__(self) -> str:
        return f"{self.collection}:{self.selector}"
