"""What a registry or project screen shows, read in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firetower.core.automations import Automation
from firetower.core.catalog import Collection, Container
from firetower.core.references import ContainerKind, ContainerReference
from firetower.tui.widgets.cells import Cell, Row
from firetower.tui.widgets.silence import Silence

if TYPE_CHECKING:
    from firetower.tower import Tower


@dataclass(frozen=True, slots=True)
class ContainerView:
    """What the screen shows, as it was read."""

    places: Sequence[Container]
    open: Container | None
    collections: Sequence[Collection]
    automations: Sequence[Automation]
    silent: Mapping[str, Silence] = field(default_factory=dict)
    """The endpoints that nothing is sent to, each with what that makes of its automations."""


def read_place(
    tower: Tower,
    kind: ContainerKind,
    reference: ContainerReference | None,
    tab: str,
    limit: int | None,
) -> ContainerView:
    """Read the list of places, and of the open one what a tab shows.

    `limit` is how many automations are wanted; None for all.
    """
    places = tower.registries() if kind is ContainerKind.REGISTRY else tower.projects()
    found = next((place for place in places if place.reference == reference), None)
    if found is None or reference is None:
        return ContainerView(places, None, (), ())
    collections = tower.container(reference)[1] if tab == "collections" else ()
    if tab != "automations":
        return ContainerView(places, found, collections, ())
    automations = tower.automations.list(reference, limit=limit)
    return ContainerView(places, found, (), automations, _silent(tower))


def _silent(tower: Tower) -> dict[str, Silence]:
    return {
        one.endpoint.name: Silence(one.endpoint.silenced, one.missing, one.waiting + one.missed)
        for one in tower.endpoints.silent()
    }


def place_row(place: Container) -> Row:
    """Return a registry or project as a row, with the number of its automations."""
    number = f"{place.automations:,}" if place.automations else "–"
    return Row(str(place.reference), (Cell(str(place.reference)), Cell(number, "dim")))
