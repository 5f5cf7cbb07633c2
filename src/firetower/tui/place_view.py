"""What a registry or project screen shows, read in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firetower.core.automations import Automation
from firetower.core.catalog import Collection, Container
from firetower.core.references import ContainerKind, ContainerReference

if TYPE_CHECKING:
    from firetower.tower import Tower


@dataclass(frozen=True, slots=True)
class PlaceView:
    """What the screen shows, as it was read."""

    places: Sequence[Container]
    open: Container | None
    collections: Sequence[Collection]
    automations: Sequence[Automation]


def read_place(
    tower: Tower,
    kind: ContainerKind,
    reference: ContainerReference | None,
    tab: str,
    limit: int | None,
) -> PlaceView:
    """Read the list of places, and of the open one what a tab shows.

    `limit` is how many automations are wanted; None for all.
    """
    places = tower.registries() if kind is ContainerKind.REGISTRY else tower.projects()
    found = next((place for place in places if place.reference == reference), None)
    if found is None or reference is None:
        return PlaceView(places, None, (), ())
    collections = tower.container(reference)[1] if tab == "collections" else ()
    automations = tower.automations.list(reference, limit=limit) if tab == "automations" else ()
    return PlaceView(places, found, collections, automations)
