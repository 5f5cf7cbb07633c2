"""The heading of a screen: where it is, each step of the way to be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from textual.content import Content
from textual.style import Style

from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.text import visible

Step: TypeAlias = tuple[str, str]
"""What a step is called, and Textual's action that goes there."""

_MODES = {
    ContainerKind.REGISTRY: ("Registries", "app.show_first('registry')"),
    ContainerKind.PROJECT: ("Projects", "app.show_first('project')"),
    ContainerKind.ENTITY: ("Automations", "app.show_first('automations')"),
    ContainerKind.ORGANIZATION: ("Automations", "app.show_first('automations')"),
}


def container_steps(container: ContainerReference) -> list[Step]:
    """Return the way to a registry or project, or to the automations of what covers several."""
    mode = _MODES[container.kind]
    if container.kind.covers_several:
        return [mode, (str(container), mode[1])]
    kind, name = container.kind.value, str(container)
    return [mode, (name, f"app.open_container({kind!r}, {name!r})")]


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
