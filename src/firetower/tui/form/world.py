"""What a draft is previewed against: the collections there are, and what happened of late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from firetower.core.actions import ActionType
from firetower.core.catalog import Collection
from firetower.core.endpoints import Endpoint, EndpointKind
from firetower.core.events import Event, EventType, EventVersion
from firetower.core.references import CollectionReference, ContainerReference

if TYPE_CHECKING:
    from firetower.tower import Tower


RECENT = 200
"""Events of the chosen type that the preview looks back at."""


@dataclass(frozen=True, slots=True)
class World:
    """What the form knows of the database; read once, and again when something changes."""

    collections: Sequence[Collection] = ()
    webhooks: Sequence[Endpoint] = ()
    slacks: Sequence[Endpoint] = ()
    names: frozenset[str] = frozenset()
    """The automations' names that are taken."""
    known: bool = False
    """Whether it has been read."""

    def endpoints(self, kind: EndpointKind) -> Sequence[Endpoint]:
        """Return the endpoints of a kind."""
        return self.webhooks if kind is EndpointKind.WEBHOOK else self.slacks

    def endpoint(self, action: ActionType, name: str) -> Endpoint | None:
        """Return the endpoint of an action: a webhook and a Slack hook may share a name."""
        found = {ActionType.GENERIC_WEBHOOK: self.webhooks, ActionType.NOTIFICATION: self.slacks}
        return next((one for one in found.get(action, ()) if one.name == name), None)

    @property
    def granted(self) -> dict[str, frozenset[str]]:
        """The secrets that each webhook may use in a payload."""
        return {one.name: one.settings.granted for one in self.webhooks}


def read_world(tower: Tower, container: ContainerReference) -> World:
    """Read what the form needs to know. Raises NotFound for the container."""
    return World(
        collections=tower.container(container)[1],
        webhooks=tower.endpoints.list(EndpointKind.WEBHOOK),
        slacks=tower.endpoints.list(EndpointKind.SLACK),
        names=frozenset(tower.automations.names()),
        known=True,
    )


def sample_event(
    type_: EventType, container: ContainerReference, world: World, now: datetime
) -> Event:
    """Return an event as it could happen, where none has yet."""
    first = world.collections[0] if world.collections else None
    reference = (
        CollectionReference.parse(f"{container}/example") if first is None else first.reference
    )
    carries = type_.spec.carries
    return Event(
        id=0,
        type=type_,
        recorded_at=now,
        author="ada",
        collection=reference,
        artifact_type="model" if first is None else first.type,
        version=EventVersion(artifact_id="0" * 32, index=3) if "version" in carries else None,
        alias="production" if "alias" in carries else None,
        tag="approved" if "tag" in carries else None,
    )
