"""Events, automations and endpoints as the core's tests need them: short to write."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firetower.core.actions import Action, NoAction, WebhookAction
from firetower.core.automations import Definition, Mode, Revision
from firetower.core.endpoints import Endpoint, EndpointKind, EndpointSettings
from firetower.core.errors import FiretowerError, InvalidInput
from firetower.core.events import Event, EventType, EventVersion, why_not_allowed
from firetower.core.executions import Execution, Status
from firetower.core.filters import ANY, Filter
from firetower.core.json import dump
from firetower.core.metrics import Comparison, Condition, Crossing, ThresholdCondition
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.runs import RunAlert, RunReference, RunSnapshot, RunState
from firetower.core.scopes import ContainerScope, Scope

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODELS = ContainerReference.registry("models")
VISION = ContainerReference.project("acme/vision")
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

_ids = itertools.count(1)


def allowed_events(kind: ContainerKind) -> list[EventType]:
    """Return the event types that can fire in a kind of container."""
    return [type_ for type_ in EventType if why_not_allowed(type_, kind) is None]


def make_event(
    type_: EventType = EventType.ADD_ARTIFACT_ALIAS,
    *,
    event_id: int = 1,
    collection: str = "models/resnet",
    artifact_type: str = "model",
    index: int = 3,
    metadata: Mapping[str, Any] | None = None,
    alias: str = "production",
    tag: str = "eu-west",
    author: str = "ada",
    at: datetime = NOON,
    previous_index: int | None = None,
    cause: str | None = None,
    run: RunSnapshot | None = None,
) -> Event:
    """Return an event that carries what its type carries, and nothing else."""
    carries = type_.spec.carries
    version = EventVersion(
        artifact_id="firetower-artifact://_id/4f1c",
        index=index,
        source="acme/vision/resnet:v7" if collection.count("/") == 1 else None,
        metadata_json=dump(dict(metadata or {})),
    )
    if "run" in carries:
        run = run or make_run_snapshot()
        if "alert" in carries:
            run = replace(run, alert=RunAlert(title="hot", text="90 °C", severity="WARN"))
        metric = make_crossing() if "metric" in carries else None
        place = run.reference.project
        return Event(event_id, type_, at, author, place, cause=cause, run=run, metric=metric)
    reference = CollectionReference.parse(collection)
    return Event(
        id=event_id,
        type=type_,
        recorded_at=at,
        author=author,
        container=reference.container,
        collection=reference,
        artifact_type=artifact_type,
        version=version if "version" in carries else None,
        alias=alias if "alias" in carries else None,
        tag=tag if "tag" in carries else None,
        previous_index=previous_index,
        cause=cause,
    )


def make_crossing() -> Crossing:
    """Return a loss that rose above 0.65."""
    condition = ThresholdCondition(metric="loss", comparison=Comparison.GT, threshold=0.65)
    return Crossing.of(condition, 120, [0.7])


def make_run_snapshot(
    state: RunState = RunState.FAILED,
    *,
    run: str = "acme/vision/x3k9ab2c",
    name: str = "resnet-50",
    config: Mapping[str, Any] | None = None,
) -> RunSnapshot:
    """Return run resnet-50 of acme/vision, which failed."""
    return RunSnapshot(
        RunReference.parse(run),
        name=name,
        user="ada",
        state=state,
        tags=("nightly",),
        config_json=dump(dict(config or {"lr": 0.1})),
    )


def make_definition(
    *,
    name: str = "deploy-on-prod",
    scope: Scope | None = None,
    event_type: EventType = EventType.ADD_ARTIFACT_ALIAS,
    filter_: Filter | dict[str, Any] = ANY,
    action: Action | None = None,
    condition: Condition | None = None,
    cooldown: timedelta | None = None,
) -> Definition:
    """Return an automation's definition: registry models, an alias added, nothing done."""
    return Definition(
        name=name,
        scope=scope or ContainerScope(container=MODELS),
        event_type=event_type,
        filter=filter_ if isinstance(filter_, Filter) else Filter.of(filter_),
        condition=condition,
        action=action or NoAction(),
        cooldown=cooldown,
    )


def make_revision(
    definition: Definition | None = None,
    *,
    automation_id: int = 1,
    number: int = 1,
    mode: Mode = Mode.ENABLED,
    after: int = 0,
    until: int | None = None,
    endpoint_id: int | None = None,
) -> Revision:
    """Return a revision with an id of its own."""
    return Revision(
        id=next(_ids),
        automation_id=automation_id,
        number=number,
        written=definition or make_definition(),
        mode=mode,
        saved_at=NOON,
        author="ada",
        after_event_id=after,
        until_event_id=until,
        endpoint_id=endpoint_id,
    )


def make_execution(*, status: Status = Status.SKIPPED, **more: Any) -> Execution:
    """Return an execution of an alias at noon."""
    given = {
        "id": 1,
        "webhook_id": "msg_1",
        "automation_id": 1,
        "automation": "deploy-on-prod",
        "revision": 1,
        "event": make_event(),
        "endpoint": None,
        "created_at": NOON,
        **more,
    }
    return Execution(status=status, **given)


def make_webhook(payload: str | None = None) -> WebhookAction:
    """Return the action that calls webhook ci-deploy."""
    return WebhookAction(endpoint="ci-deploy", payload=payload)


def make_endpoint(
    *,
    disabled_reason: str | None = None,
    disabled: bool = False,
    **settings: Any,
) -> Endpoint:
    """Return webhook ci-deploy, or what `settings` make of it."""
    given = {
        "name": "ci-deploy",
        "kind": EndpointKind.WEBHOOK,
        "url": "https://ci.example/hook",
        **settings,
    }
    return Endpoint(
        id=1,
        settings=EndpointSettings(**given),
        created_at=NOON,
        disabled_at=NOON if disabled or disabled_reason else None,
        disabled_reason=disabled_reason,
    )


def refusal(act: Callable[[], object], error: type[FiretowerError] = InvalidInput) -> str:
    """Return the two lines of the error that `act` must raise, each of them written."""
    with pytest.raises(error) as caught:
        act()
    raised = caught.value
    assert raised.message == str(raised)
    for line in (raised.message, raised.hint):
        assert line.strip()
        assert "\n" not in line
    return f"{raised.message}\n{raised.hint}"
