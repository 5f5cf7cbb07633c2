"""The dialogs that change the catalog: containers, versions, links, aliases and tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from firetower.core.catalog import Collection, LoggedVersion, Version
from firetower.core.metadata import metadata_of, words_of
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    VersionReference,
    check_name,
)
from firetower.tui.screens.catalog_fields import (
    COMMAS,
    aliases_field,
    check_tags,
    metadata_words,
    names_of,
    tags_field,
)
from firetower.tui.widgets.ask import Answers, Ask
from firetower.tui.widgets.field import ChoiceField, Field, TextField

if TYPE_CHECKING:
    from firetower.tower import Tower


def new_container(kind: ContainerKind) -> Ask[ContainerReference]:
    """Return the dialog that makes a registry or a project, and gives back its reference."""
    registry = kind is ContainerKind.REGISTRY
    read = ContainerReference.registry if registry else ContainerReference.project
    name = TextField(
        "name", "Name", placeholder="models" if registry else "acme/vision", check=read
    )
    description = TextField("description", "Description", required=False)

    def save(tower: Tower, answers: Answers) -> ContainerReference:
        create = tower.create_registry if registry else tower.create_project
        create(answers["name"], answers["description"])
        return read(answers["name"])

    return Ask(f"New {kind.value}", [name, description], save, taken="name")


def _collection_field(container: ContainerReference, near: Sequence[Collection], at: str) -> Field:
    return TextField(
        "collection",
        "Collection",
        value=at,
        placeholder="resnet",
        check=lambda name: CollectionReference.parse(f"{container}/{name}"),
        suggestions=[collection.reference.name for collection in near],
    )


def new_version(
    container: ContainerReference, near: Sequence[Collection] = (), *, name: str, type_: str
) -> Ask[LoggedVersion] | Ask[Version]:
    """Return the dialog that logs a version into a project, or links one into a registry.

    `near` are the collections there; a collection's name and type are proposed.
    """
    if container.kind is ContainerKind.PROJECT:
        return _log_version(container, near, name, type_)
    return _link_version(container, near, name)


def made_words(version: Version) -> str:
    """Return what is said of a version that was logged or linked."""
    if isinstance(version, LoggedVersion) and not version.created:
        return f"Nothing new: {version} has the same content already."
    return f"{version} is there."


def _log_version(
    project: ContainerReference, near: Sequence[Collection], at: str, type_: str
) -> Ask[LoggedVersion]:
    types = list(dict.fromkeys(collection.type for collection in near)) or ["model", "dataset"]
    fields = [
        _collection_field(project, near, at),
        TextField(
            "type",
            "Type",
            value=type_,
            placeholder="model",
            check=lambda name: check_name(name, "type"),
            suggestions=types,
        ),
        TextField(
            "paths",
            "Files, folders",
            placeholder="model.pt data/",
            required=False,
            check=words_of,
        ),
        TextField(
            "references",
            "References",
            placeholder="s3://bucket/key",
            required=False,
            check=words_of,
        ),
        aliases_field(),
        tags_field(),
        TextField(
            "metadata",
            "Metadata",
            placeholder='accuracy=0.93  or  {"accuracy": 0.93}',
            required=False,
            check=lambda text: metadata_of(metadata_words(text)),
        ),
    ]

    def save(tower: Tower, answers: Answers) -> LoggedVersion:
        return tower.log(
            f"{project}/{answers['collection']}",
            [Path(path).expanduser() for path in words_of(answers["paths"])],
            type=answers["type"],
            references=words_of(answers["references"]),
            aliases=names_of(answers["aliases"]),
            tags=names_of(answers["tags"]),
            metadata=metadata_of(metadata_words(answers["metadata"]))
            if answers["metadata"]
            else {},
        )

    return Ask(f"New version in {project}", fields, save, button="Log")


def _link_version(
    registry: ContainerReference, near: Sequence[Collection], at: str
) -> Ask[Version]:
    fields = [
        TextField(
            "source",
            "Version",
            placeholder="acme/vision/resnet:v3",
            check=VersionReference.parse,
        ),
        _collection_field(registry, near, at),
        aliases_field(),
    ]

    def save(tower: Tower, answers: Answers) -> Version:
        return tower.link(
            answers["source"],
            f"{registry}/{answers['collection']}",
            aliases=names_of(answers["aliases"]),
        )

    return Ask(f"Link a version into {registry}", fields, save, button="Link")


def link_from(version: Version, registries: Sequence[ContainerReference]) -> Ask[Version]:
    """Return the dialog that links a project's version into one of the registries."""
    name = version.collection.name
    fields = [
        ChoiceField("registry", "Registry", [(str(one), str(one)) for one in registries]),
        TextField(
            "collection",
            "Collection",
            value=name,
            check=lambda text: check_name(text, "collection name"),
        ),
        aliases_field(),
    ]

    def save(tower: Tower, answers: Answers) -> Version:
        target = f"{answers['registry']}/{answers['collection']}"
        return tower.link(version, target, aliases=names_of(answers["aliases"]))

    return Ask(f"Link {version} into a registry", fields, save, button="Link")


def add_alias(version: Version, linked: Sequence[str] = ()) -> Ask[None]:
    """Return the dialog that gives a version aliases; `linked` are its links in registries."""
    note = "An alias names one version of the collection: it moves here."
    if linked:
        note = f"It is an alias in {version.collection} only, not where the version is linked."

    def save(tower: Tower, answers: Answers) -> None:
        tower.add_alias(version, *names_of(answers["aliases"]))

    fields = [aliases_field(required=True, note=note)]
    return Ask(f"Add an alias to {version}", fields, save, button="Add")


def add_tag(version: Version) -> Ask[None]:
    """Return the dialog that puts tags on a version."""
    tags = TextField("tags", "Tags", placeholder=f"reviewed  ({COMMAS})", check=check_tags)

    def save(tower: Tower, answers: Answers) -> None:
        tower.add_tag(version, *names_of(answers["tags"]))

    return Ask(f"Tag {version}", [tags], save, button="Add")


def remove_alias(version: Version) -> Ask[None]:
    """Return the dialog that takes one of a version's aliases off; it must have one."""
    names = removable_aliases(version)
    return _remove(version, "alias", names, lambda tower, name: tower.remove_alias(version, name))


def removable_aliases(version: Version) -> list[str]:
    """Return the aliases that can be removed by hand: `latest` moves automatically."""
    return [alias for alias in version.aliases if alias != "latest"]


def remove_tag(version: Version) -> Ask[None]:
    """Return the dialog that takes one of a version's tags off; it must have one."""
    return _remove(
        version, "tag", version.tags, lambda tower, name: tower.remove_tag(version, name)
    )


def _remove(
    version: Version, what: str, names: Sequence[str], remove: Callable[[Tower, str], None]
) -> Ask[None]:
    """Let one of several be chosen, or ask about the only one."""
    fields = []
    title = f"Remove {what} {names[0]} from {version}?"
    if len(names) > 1:
        fields = [ChoiceField("chosen", what.capitalize(), [(name, name) for name in names])]
        title = f"Remove which {what} from {version}?"

    def save(tower: Tower, answers: Answers) -> None:
        remove(tower, answers.get("chosen", names[0]))

    return Ask(title, fields, save, button="Remove")


def tag_collection(collection: Collection) -> Ask[None]:
    """Return the dialog that changes a collection's tags."""
    reference = str(collection.reference)
    fields: list[Field] = [
        TextField(
            "add",
            "Add",
            placeholder=f"served  ({COMMAS})",
            required=not collection.tags,
            check=check_tags,
        )
    ]
    if collection.tags:
        choices = [("", "none"), *((tag, tag) for tag in collection.tags)]
        fields.append(ChoiceField("remove", "Remove", choices))

    def save(tower: Tower, answers: Answers) -> None:
        if removed := answers.get("remove"):
            tower.remove_tag(reference, removed)
        if added := names_of(answers["add"]):
            tower.add_tag(reference, *added)

    return Ask(f"Tags of {reference}", fields, save)
