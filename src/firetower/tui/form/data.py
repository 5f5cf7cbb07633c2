"""What the form reads from the database, and how it saves an automation there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from firetower.core.actions import ActionType
from firetower.core.automations import Automation, Definition, Mode
from firetower.core.catalog import Collection
from firetower.core.endpoints import Endpoint, EndpointKind
from firetower.core.errors import Conflict, NotFound
from firetower.core.events import Event, EventType, EventVersion
from firetower.core.metrics import Comparison, Crossing, ThresholdCondition
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.runs import RunReference, RunSnapshot, RunState
from firetower.core.text import visible
from firetower.tui.session import Tower

RECENT = 200
"""Newest events of the chosen type that the preview matches."""

KINDS = {
    ActionType.GENERIC_WEBHOOK: EndpointKind.WEBHOOK,
    ActionType.NOTIFICATION: EndpointKind.SLACK,
}
"""The kinds of endpoint that actions send to."""


@dataclass(frozen=True, slots=True)
class FormData:
    """What the form offers, checks against and previews; read again when something changes."""

    collections: Sequence[Collection] = ()
    all_endpoints: Sequence[Endpoint] = ()
    names: frozenset[str] = frozenset()
    """Names of the automations."""
    event_type: EventType | None = None
    """The type of the recent events; None until they are read."""
    recent: Sequence[Event] = ()
    """The newest events of that type, newest first."""
    metrics: Sequence[str] = ()
    """What the newest runs have logged, where the events are of a metric."""

    def endpoints(self, kind: EndpointKind | None) -> Sequence[Endpoint]:
        """Return the endpoints of a kind; none of none."""
        return [one for one in self.all_endpoints if one.settings.kind is kind]

    def endpoint(self, action: ActionType, name: str) -> Endpoint | None:
        """Return the endpoint of an action: a webhook and a Slack hook may share a name."""
        kind = KINDS.get(action)
        return next((one for one in self.endpoints(kind) if one.name == name), None)

    @property
    def granted(self) -> dict[str, frozenset[str]]:
        """The secrets that each webhook may use in a payload."""
        return {one.name: one.settings.granted for one in self.endpoints(EndpointKind.WEBHOOK)}


def read_form_data(tower: Tower, container: ContainerReference, type_: EventType) -> FormData:
    """Read the form's data. Raises NotFound for the container."""
    of_metric = "metric" in type_.spec.carries and container.kind is not ContainerKind.REGISTRY
    return FormData(
        collections=() if container.kind.covers_several else tower.container(container)[1],
        all_endpoints=tower.endpoints.list(),
        names=frozenset(tower.automations.names()),
        event_type=type_,
        recent=tower.events.newest_in(container, type_, RECENT),
        metrics=tower.runs.metric_names(container) if of_metric else (),
    )


def sample_event(
    type_: EventType, container: ContainerReference, data: FormData, now: datetime
) -> Event:
    """Return an example event, for containers without one of this type."""
    reference, artifact_type = CollectionReference.parse(f"{container}/example"), "model"
    if data.collections:
        reference, artifact_type = data.collections[0].reference, data.collections[0].type
    carries = type_.spec.carries
    return Event(
        id=0,
        type=type_,
        recorded_at=now,
        author="ada",
        container=container,
        collection=reference if "collection" in carries else None,
        artifact_type=artifact_type if "collection" in carries else "",
        version=EventVersion(artifact_id="0" * 32, index=3) if "version" in carries else None,
        alias="production" if "alias" in carries else None,
        tag="approved" if "tag" in carries else None,
        run=_sample_run(container) if "run" in carries else None,
        metric=Crossing.of(_SAMPLE_CONDITION, 120, [0.7]) if "metric" in carries else None,
    )


_SAMPLE_CONDITION = ThresholdCondition(metric="loss", comparison=Comparison.GT, threshold=0.65)


def _sample_run(container: ContainerReference) -> RunSnapshot:
    project = ContainerReference(kind=ContainerKind.PROJECT, entity="entity", name="project")
    if container.kind is ContainerKind.PROJECT:
        project = container
    reference = RunReference(project=project, id="x3k9ab2c")
    return RunSnapshot(reference, name="resnet-50", user="ada", state=RunState.FAILED)


class ChangedMeanwhile(Conflict):
    """The automation is no longer as it was when the form was opened."""

    def __init__(self, message: str, hint: str, now: Automation | None) -> None:
        super().__init__(message, hint)
        self.now = now
        """As it is now, or None when it is gone: saving again goes by this."""


def save(tower: Tower, definition: Definition, mode: Mode, before: Automation | None) -> None:
    """Save a new automation, or a changed one in the place of `before`.

    Raises ChangedMeanwhile instead of undoing silently what someone else has changed, and what the
    database raises.
    """
    if before is None:
        tower.automations.create(definition, mode)
        return
    name = visible(before.name)
    try:
        now = tower.automations.get(before.name)
    except NotFound:
        raise ChangedMeanwhile(
            f"{name} was deleted or renamed meanwhile", "Save again to create it.", None
        ) from None
    if now.revision.id != before.revision.id:
        raise ChangedMeanwhile(
            f"{name} was changed meanwhile by {visible(now.revision.author)}",
            "Save again to put yours in its place, or leave to look at it.",
            now,
        )
    tower.automations.edit(before.name, definition, mode)
