"""What the screen of a registry or project shows, read at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from firetower.core.automations import Automation
from firetower.core.catalog import Collection, Container
from firetower.core.references import ContainerKind, ContainerReference
from firetower.tower import Tower


@dataclass(frozen=True, slots=True)
class PlaceView:
    """What the screen shows, as it was read."""

    places: Sequence[Container]
    open: Container | None
    collections: Sequence[Collection]
    automations: Sequence[Automation]


def read_place(
    tower: Tower, kind: ContainerKind, reference: ContainerReference | None, tab: str
) -> PlaceView:
    """Read the list of places, and of the open one what a tab shows."""
    places = tower.registries() if kind is ContainerKind.REGISTRY else tower.projects()
    found = next((place for place in places if place.reference == reference), None)
    if found is None or reference is None:
        return PlaceView(places, None, (), ())
    collections = tower.container(reference)[1] if tab == "collections" else ()
    automations = tower.automations.list(reference) if tab == "automations" else ()
    return PlaceView(places, found, collections, automations)
