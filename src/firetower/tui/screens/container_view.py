"""What a registry or project screen shows, read at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firetower.core.automations import Automation
from firetower.core.catalog import Collection, Container
from firetower.core.endpoints import EndpointDetail
from firetower.core.references import ContainerKind, ContainerReference
from firetower.tui.widgets.table import Cell, Row

if TYPE_CHECKING:
    from firetower.tower import Tower


@dataclass(frozen=True, slots=True)
class ContainerView:
    """What the screen shows, as it was read."""

    containers: Sequence[Container]
    open: Container | None
    collections: Sequence[Collection]
    automations: Sequence[Automation]
    stopped: Mapping[str, EndpointDetail] = field(default_factory=dict)
    """The endpoints that are disabled or have an open circuit."""


def read_container(
    tower: Tower,
    kind: ContainerKind,
    reference: ContainerReference | None,
    tab: str,
    limit: int | None,
) -> ContainerView:
    """Read the list of containers, and one tab of the open one.

    `limit` is how many automations are wanted; None for all.
    """
    containers = tower.registries() if kind is ContainerKind.REGISTRY else tower.projects()
    found = next((one for one in containers if one.reference == reference), None)
    if found is None or reference is None:
        return ContainerView(containers, None, (), ())
    collections = tower.container(reference)[1] if tab == "collections" else ()
    if tab != "automations":
        return ContainerView(containers, found, collections, ())
    automations = tower.automations.list(reference, limit=limit)
    stopped = {one.endpoint.name: one for one in tower.endpoints.stopped()}
    return ContainerView(containers, found, (), automations, stopped)


def container_row(container: Container) -> Row:
    """Return a registry or project as a row, with the number of its automations."""
    number = f"{container.automations:,}" if container.automations else "–"
    return Row(str(container.reference), (Cell(str(container.reference)), Cell(number, "dim")))
