"""The dialogs that change the catalog: containers, versions, links, aliases and tags."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import JsonValue
from textual.dom import DOMNode

from firetower.core.catalog import Collection, LoggedVersion, Version
from firetower.core.errors import InvalidInput
from firetower.core.events import EventType
from firetower.core.metadata import metadata_of, words_of
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    check_alias,
    check_name,
)
from firetower.core.text import quoted
from firetower.tui.session import Tower, session_of
from firetower.tui.text import age
from firetower.tui.widgets.ask import Answers, Ask
from firetower.tui.widgets.entries import Offer
from firetower.tui.widgets.field import ChoiceField, Field, TextField, VersionField

_MOST_VERSIONS = 200
"""The newest versions that are offered to be linked; an older one is named by its path."""


def new_container(kind: ContainerKind) -> Ask[ContainerReference]:
    """Return the dialog that creates a registry or a project, and answers with its reference."""
    registry = kind is ContainerKind.REGISTRY
    read = ContainerReference.registry if registry else ContainerReference.project
    example = "models" if registry else "acme/vision"
    fields = [
        TextField("name", "Name", placeholder=example, check=read),
        TextField("description", "Description", required=False),
    ]

    def save(tower: Tower, answers: Answers) -> ContainerReference:
        create = tower.create_registry if registry else tower.create_project
        create(answers["name"], answers["description"])
        return read(answers["name"])

    return Ask(f"New {kind.value}", fields, save, taken="name")


async def new_version(
    node: DOMNode,
    container: ContainerReference,
    near: Sequence[Collection] = (),
    *,
    name: str,
    type_: str,
) -> Ask[LoggedVersion] | Ask[Version]:
    """Return the dialog that logs a version into a project, or links one into a registry.

    `near` are the collections there; a collection's name and type are proposed.
    """
    if container.kind is ContainerKind.PROJECT:
        return _log_version(container, near, name, type_)
    session = session_of(node)
    logged = await session.ask(
        lambda tower: tower.events.newest_in(
            ContainerReference.organization(), EventType.CREATE_ARTIFACT, _MOST_VERSIONS
        )
    )
    now = session.now()
    offers = [
        Offer(one.reference, one.reference, f"{one.artifact_type}, {age(one.recorded_at, now)}")
        for one in logged
    ]
    return _link_version(container, offers, near, name)


def made_words(version: Version) -> str:
    """Return what is said of a version that was logged or linked."""
    if isinstance(version, LoggedVersion) and not version.created:
        said = f"Nothing new: {version} has the same content already."
        return f"{said} Its metadata stays as it is." if version.metadata_differs else said
    verb = "Logged" if isinstance(version, LoggedVersion) else "Linked"
    return f"{verb} {version}."


def _log_version(
    project: ContainerReference, near: Sequence[Collection], name: str, type_: str
) -> Ask[LoggedVersion]:
    types = list(dict.fromkeys(collection.type for collection in near)) or ["model", "dataset"]
    metadata_example = 'accuracy=0.93  or  {"accuracy": 0.93}'
    fields = [
        _collection_field(project, near, name),
        TextField(
            "type",
            "Type",
            value=type_,
            placeholder="model",
            check=lambda text: check_name(text, "type"),
            suggestions=types,
        ),
        _optional("paths", "Files, folders", "model.pt data/", words_of),
        _optional("references", "References", "s3://bucket/key", words_of),
        _aliases_field(),
        _tags_field(required=False),
        _optional("metadata", "Metadata", metadata_example, _read_metadata),
    ]

    def save(tower: Tower, answers: Answers) -> LoggedVersion:
        return tower.log(
            f"{project}/{answers['collection']}",
            [_expanded(path) for path in words_of(answers["paths"])],
            type=answers["type"],
            references=words_of(answers["references"]),
            aliases=_split(answers["aliases"]),
            tags=_split(answers["tags"]),
            metadata=_read_metadata(answers["metadata"]) if answers["metadata"] else {},
        )

    first = 2 if name and type_ else 0  # which files is new each time
    return Ask(f"New version in {project}", fields, save, button="Log", first=first)


def _link_version(
    registry: ContainerReference, logged: Sequence[Offer], near: Sequence[Collection], name: str
) -> Ask[Version]:
    fields = [
        VersionField("source", "Version", logged),
        _collection_field(registry, near, name),
        _aliases_field(),
    ]

    def save(tower: Tower, answers: Answers) -> Version:
        target = f"{registry}/{answers['collection']}"
        return tower.link(answers["source"], target, aliases=_split(answers["aliases"]))

    return Ask(f"Link a version into {registry}", fields, save, button="Link")


def link_from(version: Version, registries: Sequence[ContainerReference]) -> Ask[Version]:
    """Return the dialog that links a project's version into one of the registries."""
    fields = [
        ChoiceField("registry", "Registry", [(str(one), str(one)) for one in registries]),
        TextField(
            "collection",
            "Collection",
            value=version.collection.name,
            check=lambda text: check_name(text, "collection name"),
        ),
        _aliases_field(),
    ]

    def save(tower: Tower, answers: Answers) -> Version:
        target = f"{answers['registry']}/{answers['collection']}"
        return tower.link(version, target, aliases=_split(answers["aliases"]))

    return Ask(f"Link {version} into a registry", fields, save, button="Link")


def add_alias(version: Version, linked: Sequence[str] = ()) -> Ask[None]:
    """Return the dialog that gives a version aliases; `linked` are its links in registries."""
    note = "An alias names one version of the collection: it moves here."
    if linked:
        note = f"It is an alias in {version.collection} only, not where the version is linked."

    def save(tower: Tower, answers: Answers) -> None:
        tower.add_alias(version, *_split(answers["aliases"]))

    fields = [_aliases_field(required=True, note=note)]
    return Ask(f"Add an alias to {version}", fields, save, button="Add")


def add_tag(version: Version) -> Ask[None]:
    """Return the dialog that puts tags on a version."""

    def save(tower: Tower, answers: Answers) -> None:
        tower.add_tag(version, *_split(answers["tags"]))

    return Ask(f"Tag {version}", [_tags_field()], save, button="Add")


def remove_name(version: Version, what: Literal["alias", "tag"], names: Sequence[str]) -> Ask[None]:
    """Return the dialog that removes one of these aliases or tags of a version."""
    fields = []
    title = f"Remove {what} {names[0]} from {version}?"
    if len(names) > 1:
        fields = [ChoiceField("chosen", what.capitalize(), [(name, name) for name in names])]
        title = f"Remove which {what} from {version}?"

    def save(tower: Tower, answers: Answers) -> None:
        remove = tower.remove_alias if what == "alias" else tower.remove_tag
        remove(version, answers.get("chosen", names[0]))

    return Ask(title, fields, save, button="Remove")


def tag_collection(collection: Collection) -> Ask[None]:
    """Return the dialog that changes a collection's tags."""
    reference = str(collection.reference)
    fields = [_tags_field("New tags", "served", required=not collection.tags)]
    if collection.tags:
        choices = [("", "none"), *((tag, tag) for tag in collection.tags)]
        fields.append(ChoiceField("remove", "Remove", choices))

    def save(tower: Tower, answers: Answers) -> None:
        if removed := answers.get("remove"):
            tower.remove_tag(reference, removed)
        if added := _split(answers["tags"]):
            tower.add_tag(reference, *added)

    return Ask(f"Tags of {reference}", fields, save)


def _collection_field(
    container: ContainerReference, near: Sequence[Collection], name: str
) -> Field:
    return TextField(
        "collection",
        "Collection",
        value=name,
        placeholder="resnet",
        check=lambda text: CollectionReference.parse(f"{container}/{text}"),
        suggestions=[collection.reference.name for collection in near],
    )


def _optional(name: str, label: str, example: str, check: Callable[[str], object]) -> Field:
    return TextField(name, label, placeholder=example, required=False, check=check)


def _aliases_field(*, required: bool = False, note: str = "") -> Field:
    def check(text: str) -> None:
        for name in _split(text):
            check_alias(name)

    example = "staging  (separated by commas)"
    return TextField(
        "aliases", "Aliases", placeholder=example, required=required, check=check, note=note
    )


def _tags_field(label: str = "Tags", example: str = "reviewed", *, required: bool = True) -> Field:
    def check(text: str) -> None:
        for name in _split(text):
            check_name(name, "tag")

    example = f"{example}  (separated by commas)"
    return TextField("tags", label, placeholder=example, required=required, check=check)


def _expanded(path: str) -> Path:
    """Return a path with `~` for its user's home. Raises InvalidInput where that is not known."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InvalidInput(f"{quoted(path)}: {error}", "Write the whole path.") from None


def _split(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _read_metadata(text: str) -> dict[str, JsonValue]:
    """Read one JSON object, or words `KEY=VALUE`. Raises InvalidInput."""
    return metadata_of([text] if text.startswith("{") else words_of(text))
