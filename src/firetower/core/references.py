"""References to containers, collections and versions, and the rules of their names."""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Annotated, Self, cast

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer

from firetower.core.errors import InvalidInput
from firetower.core.text import instant, quoted, shortened

MAX_NAME = 128
MAX_AUTOMATION_NAME = 255
MAX_ENDPOINT_NAME = 64

_ENDPOINT = re.compile(r"[-\w]+([ ]+[-\w]+)*")
_SECRET = re.compile(r"[A-Za-z0-9_]+")
_VERSION_LIKE = re.compile(r"v[0-9]+")
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""What is drawn as nothing, beside the format characters (category Cf)."""


def check_text(text: object, what: str) -> str:
    """Return `text` if it is a string. Raises InvalidInput."""
    if not isinstance(text, str):
        raise InvalidInput(
            f"{what} {shortened(quoted(text), 40)} is of type {type(text).__name__}, not text",
            f"Give the {what} as a string.",
        )
    return text


def text_of(value: object) -> str:
    """Return a reference as text. Raises InvalidInput for what cannot be written."""
    try:
        return str(value)
    except Exception:  # too deep, or too large a number
        raise InvalidInput(
            f"a reference cannot be of type {type(value).__name__}", "Give it as a string."
        ) from None


def path_text(value: object) -> object:
    """Return a path as text or bytes, and anything else as it is."""
    try:
        return os.fspath(value) if isinstance(value, os.PathLike) else value
    except Exception:  # it gives no path
        return value


def check_texts(values: object, what: str) -> tuple[str, ...]:
    """Return one text, or each of several, as a tuple. Raises InvalidInput."""
    if isinstance(values, str | os.PathLike):
        values = (values,)
    try:
        several = isinstance(values, Iterable) and not isinstance(values, Mapping | bytes)
        given = iter(cast("Iterable[object]", values)) if several else None
    except TypeError:  # an array without a dimension
        given = None
    if given is None:
        raise InvalidInput(
            f"{what} are given as {shortened(quoted(values), 40)}", "Give a list of strings."
        )
    return tuple(check_text(path_text(one), what) for one in given)


def one_spelling(text: str) -> str:
    """Return `text` in NFC: Unicode can write the same letters in several ways."""
    return unicodedata.normalize("NFC", text)


Name = Annotated[str, AfterValidator(one_spelling)]
"""A name in a model."""


def check_visible(name: str, what: str) -> None:
    """Refuse a name with characters that are not seen. Raises InvalidInput."""
    if name.isascii() and name.isprintable():
        return
    shown = quoted(shortened(name, 40))
    categories = {unicodedata.category(character) for character in name}
    if categories & _BREAKING:
        raise InvalidInput(
            f"{what} {shown} contains a control character", "Use printable characters only."
        )
    if "Cf" in categories or _INVISIBLE.search(name):
        raise InvalidInput(
            f"{what} {shown} contains an invisible character",
            "Leave it out: two names that look alike would be two things.",
        )


def check_name(name: str, what: str) -> str:
    """Return `name` in its one spelling if it can name a container, collection, alias or tag.

    Raises InvalidInput, naming `what` it was for.
    """
    name = one_spelling(check_text(name, what))
    if not name or name != name.strip():
        raise InvalidInput(
            f"{what} {quoted(shortened(name, 40))} is empty or has spaces around it",
            "Make its first and last character a visible one.",
        )
    if len(name) > MAX_NAME:
        raise InvalidInput(
            f"{what} {quoted(shortened(name, 40))} has {len(name):,} characters",
            f"Use at most {MAX_NAME} characters.",
        )
    if forbidden := next((c for c in name if c in "/:"), None):
        raise InvalidInput(
            f'{what} {quoted(shortened(name, 40))} contains "{forbidden}"',
            'Leave out "/" and ":": they separate the parts of a reference.',
        )
    check_visible(name, what)
    return name


def is_version_like(alias: str) -> bool:
    """Return whether the alias looks like a version, `v0`, `v1`, …."""
    return _VERSION_LIKE.fullmatch(alias) is not None


def check_alias(alias: str) -> str:
    """Return `alias` in its one spelling if a person may set it by hand.

    `latest` and `v0`-like aliases belong to the catalog, as in W&B. Raises InvalidInput.
    """
    alias = check_name(alias, "alias")
    if alias == "latest":
        raise InvalidInput(
            'alias "latest" is moved by logging a version, in a registry by linking one',
            "Log or link the version, or choose another alias.",
        )
    if is_version_like(alias):
        raise InvalidInput(
            f"alias {quoted(alias)} looks like a version number",
            "Versions get their v-number automatically; choose a word.",
        )
    return alias


def check_automation_name(name: str) -> str:
    """Return `name` in its one spelling if it can name an automation. Raises InvalidInput."""
    name = one_spelling(name)
    if not name.strip():
        raise InvalidInput(
            f"automation name {quoted(shortened(name, 40))} is empty",
            "Give it a name that can be read on one line.",
        )
    check_visible(name, "automation name")
    if len(name) > MAX_AUTOMATION_NAME:
        raise InvalidInput(
            f"automation name has {len(name):,} characters",
            f"Use at most {MAX_AUTOMATION_NAME} characters.",
        )
    return name


def check_endpoint_name(name: str) -> str:
    """Return `name` in its one spelling if it can name an endpoint. Raises InvalidInput."""
    name = one_spelling(name)
    if _INVISIBLE.search(name):
        check_visible(name, "endpoint name")
    if len(name) > MAX_ENDPOINT_NAME or not _ENDPOINT.fullmatch(name):
        raise InvalidInput(
            f"endpoint name {quoted(shortened(name, 80))} is not allowed",
            f"Use letters, digits, - and _, with words separated by single spaces, "
            f"at most {MAX_ENDPOINT_NAME} characters.",
        )
    return name


def check_secret_name(name: str) -> str:
    """Return `name` if it can name a secret. Raises InvalidInput."""
    if len(name) > MAX_NAME or not _SECRET.fullmatch(name):
        raise InvalidInput(
            f"secret name {quoted(shortened(name, 40))} is not allowed",
            f"Use letters, digits and _, at most {MAX_NAME} characters.",
        )
    return name


WANDB_REGISTRY_PREFIX = "wandb-registry-"
"""W&B keeps a registry as a project of this name; both spellings are accepted."""


class ContainerKind(StrEnum):
    """The kinds of things that automations watch, from one registry to the organization."""

    REGISTRY = "registry"
    PROJECT = "project"
    ENTITY = "entity"
    """Every project of one entity; W&B calls it a team."""
    ORGANIZATION = "organization"
    """Every registry and project of the database."""

    @property
    def covers_several(self) -> bool:
        """Whether it covers other containers, and holds no collections of its own."""
        return self in {ContainerKind.ENTITY, ContainerKind.ORGANIZATION}


class Frozen(BaseModel):
    """A value that never changes and knows no fields but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    # Built at the first use: a command uses few of the models that it imports.


Timestamp = Annotated[AwareDatetime, PlainSerializer(instant, when_used="json")]
"""A moment with a time zone in a model; in JSON as everywhere, in UTC."""


class ContainerReference(Frozen):
    """A registry (`models`), a project (`acme/vision`), an entity (`acme`) or the organization."""

    kind: ContainerKind
    entity: Name = ""
    name: Name

    @classmethod
    def registry(cls, text: str) -> Self:
        """Read a registry's name, with or without W&B's prefix. Raises InvalidInput."""
        name = check_text(text, "registry name").removeprefix(WANDB_REGISTRY_PREFIX)
        return cls(kind=ContainerKind.REGISTRY, name=check_name(name, "registry name"))

    @classmethod
    def project(cls, text: str) -> Self:
        """Read `entity/name`. Raises InvalidInput."""
        entity, slash, name = check_text(text, "project name").partition("/")
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

    @classmethod
    def entity_named(cls, text: str) -> Self:
        """Read an entity's name. Raises InvalidInput."""
        name = check_name(check_text(text, "entity"), "entity")
        return cls(kind=ContainerKind.ENTITY, name=name)

    @classmethod
    def organization(cls) -> Self:
        """Return the reference of the organization: there is one."""
        return cls(kind=ContainerKind.ORGANIZATION, name="organization")

    @classmethod
    def named(cls, kind: ContainerKind, text: str) -> Self:
        """Read the full name of a container of a kind. Raises InvalidInput."""
        match kind:
            case ContainerKind.REGISTRY:
                return cls.registry(text)
            case ContainerKind.PROJECT:
                return cls.project(text)
            case ContainerKind.ENTITY:
                return cls.entity_named(text)
        return cls.organization()

    def covers(self, other: "ContainerReference") -> bool:
        """Return whether events of another container are events of this one too."""
        match self.kind:
            case ContainerKind.ORGANIZATION:
                return True
            case ContainerKind.ENTITY:
                return other.kind is ContainerKind.PROJECT and other.entity == self.name
        return other == self

    @cached_property
    def full_name(self) -> str:
        """The name as people write it: `models`, or `acme/vision`."""
        return f"{self.entity}/{self.name}" if self.entity else self.name

    def __str__(self) -> str:
        return self.full_name


class CollectionReference(Frozen):
    """A collection: `acme/vision/resnet` in a project, `models/resnet` in a registry."""

    container: ContainerReference
    name: Name

    @staticmethod
    def parse(text: str) -> "CollectionReference":
        """Read a collection's full name. Raises InvalidInput."""
        return _parse_collection(check_text(text, "collection"))

    @cached_property
    def full_name(self) -> str:
        """The name as people write it: `models/resnet`, or `acme/vision/resnet`."""
        return f"{self.container.full_name}/{self.name}"

    def __str__(self) -> str:
        return self.full_name


@lru_cache(1024)  # scripts change one collection again and again
def _parse_collection(text: str) -> CollectionReference:
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
    return CollectionReference(container=container, name=check_name(parts[-1], "collection name"))


class VersionReference(Frozen):
    """One version of a collection, by its index (`:v3`) or by an alias (`:production`)."""

    collection: CollectionReference
    selector: Name

    @staticmethod
    def parse(text: str) -> "VersionReference":
        """Read `COLLECTION:v3` or `COLLECTION:alias`. Raises InvalidInput."""
        return _parse_version(check_text(text, "version"))

    @cached_property
    def index(self) -> int | None:
        """The version's index, or None where an alias names it."""
        return int(self.selector[1:]) if is_version_like(self.selector) else None

    def __str__(self) -> str:
        return f"{self.collection}:{self.selector}"


@lru_cache(1024)
def _parse_version(text: str) -> VersionReference:
    path, colon, selector = text.partition(":")
    if not colon or not selector:
        raise InvalidInput(
            f"{quoted(shortened(text, 80))} does not name a version",
            "Add :v0 or an alias: acme/vision/resnet:v0, or models/resnet:production.",
        )
    collection = CollectionReference.parse(path)
    return VersionReference(collection=collection, selector=check_name(selector, "alias"))


def parse_target(text: str) -> VersionReference | CollectionReference:
    """Read the reference of a version, or of a collection. Raises InvalidInput."""
    if not text:
        raise InvalidInput("nothing is named", "Name a version or a collection.")
    return VersionReference.parse(text) if ":" in text else CollectionReference.parse(text)
