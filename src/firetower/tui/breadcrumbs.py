"""The heading of a screen: where it is, each step of the way to be clicked."""

from collections.abc import Sequence
from typing import TypeAlias

from textual.content import Content
from textual.style import Style

from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.text import visible

Step: TypeAlias = tuple[str, str]
"""What a step is called, and Textual's action that goes there."""

_MODES = {"registry": "Registries", "project": "Projects"}


def container_label(container: ContainerReference) -> str:
    """Return what a container is called where its kind is not said: "all of acme"."""
    of_entity = container.kind is ContainerKind.ENTITY
    return f"all of {container}" if of_entity else str(container)


def mode_of(container: ContainerReference, current: str = "") -> str:
    """Return the mode that lists a container; the organization's are both: the current one."""
    if container.kind is ContainerKind.ORGANIZATION and current in _MODES:
        return current
    in_projects = container.kind in {ContainerKind.PROJECT, ContainerKind.ENTITY}
    return "project" if in_projects else "registry"


def container_steps(container: ContainerReference, mode: str = "") -> list[Step]:
    """Return the way to a container, in a mode that lists it."""
    mode = mode_of(container, mode)
    kind, name = container.kind.value, str(container)
    go = f"app.open_container({kind!r}, {name!r})"
    return [(_MODES[mode], f"app.show_first({mode!r})"), (container_label(container), go)]


def collection_steps(collection: CollectionReference) -> list[Step]:
    """Return the way to a collection."""
    go = f"app.open_collection({str(collection)!r})"
    return [*container_steps(collection.container), (collection.name, go)]


def breadcrumbs(steps: Sequence[Step], name: str, said: str = "", style: str = "$muted") -> Content:
    """Return a heading: "Registries › models › resnet  4 versions", the steps to be clicked."""
    parts = []
    for label, action in steps:
        link = Style.from_meta({"@click": action})
        parts += [Content.styled(visible(label), link), Content.styled(" › ", "$muted")]
    parts.append(Content.styled(visible(name), "bold"))
    if said:
        parts += [Content("  "), Content.styled(visible(said), style)]
    return Content("").join(parts)
