"""Actions as W&B names them, and the integrations through which they go."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from firetower.core.actions import (
    Action,
    ActionType,
    NoAction,
    Severity,
    SlackAction,
    WebhookAction,
)
from firetower.core.endpoints import Endpoint, EndpointKind, EndpointSettings
from firetower.core.errors import InvalidInput, NotFound
from firetower.core.json import canonical, parse
from firetower.core.text import quoted, shortened
from firetower.server.fields import Answer, Arguments, Context, make_id, nodes, read_number_id
from firetower.store.endpoints import create_endpoint, list_endpoints

_E = TypeVar("_E", bound=StrEnum)
_TYPES: Mapping[EndpointKind, str] = {
    EndpointKind.WEBHOOK: "GenericWebhookIntegration",
    EndpointKind.SLACK: "SlackIntegration",
}
_INPUTS: Mapping[ActionType, str] = {
    ActionType.GENERIC_WEBHOOK: "genericWebhookActionInput",
    ActionType.NOTIFICATION: "notificationActionInput",
    ActionType.NO_OP: "noOpActionInput",
}


def integrations(context: Context, _entity: str, arguments: Arguments) -> Answer:
    """Return a page of the webhooks and Slack channels: every entity has them all."""
    found = list_endpoints(context.reader)
    return nodes(found, arguments, write_integration)


def create_integration(context: Context, given: Arguments) -> Answer:
    """Make a webhook; its secrets are given by their names."""
    settings = EndpointSettings(
        name=given.text("name"),
        kind=EndpointKind.WEBHOOK,
        url=given.text("urlEndpoint"),
        access_token_secret=given.optional_text("accessTokenRef"),
        signing_secret=given.optional_text("secretRef"),
    )
    return {"integration": write_integration(create_endpoint(context.change, settings))}


def write_integration(endpoint: Endpoint) -> Answer:
    """Return an endpoint as W&B's API does. A Slack endpoint's name is that of its channel."""
    type_ = _TYPES[endpoint.settings.kind]
    shown: dict[str, object] = {"__typename": type_, "id": make_id(type_, endpoint.id)}
    if endpoint.settings.kind is EndpointKind.SLACK:
        return {**shown, "teamName": "Slack", "channelName": endpoint.name}
    return {**shown, "name": endpoint.name, "urlEndpoint": endpoint.settings.url}


def read_action(given: Arguments, before: Action | None, endpoints: Sequence[Endpoint]) -> Action:
    """Return the action that `triggeredActionType` and its configuration name.

    A payload that W&B's API cannot say is kept as it was `before`. Raises InvalidInput, NotFound.
    """
    type_ = member(ActionType, given.text("triggeredActionType"), "action")
    config = given.object("triggeredActionConfig").object(_INPUTS[type_])
    match type_:
        case ActionType.NO_OP:
            return NoAction()
        case ActionType.NOTIFICATION:
            severity = config.optional_text("severity") or Severity.INFO.value
            return SlackAction(
                endpoint=_endpoint_name(config, EndpointKind.SLACK, endpoints),
                title=config.optional_text("title"),
                message=config.optional_text("message"),
                severity=member(Severity, severity, "severity"),
            )
    payload = config.optional_text("requestPayload")
    if isinstance(before, WebhookAction) and _is_same(payload, _shown_payload(before.payload)):
        payload = before.payload
    return WebhookAction(
        endpoint=_endpoint_name(config, EndpointKind.WEBHOOK, endpoints), payload=payload
    )


def member(names: type[_E], text: str, what: str) -> _E:
    """Return a member of an enumeration by its name. Raises InvalidInput."""
    if text not in names.__members__:
        raise InvalidInput(
            f"there is no {what} {quoted(shortened(text, 40))} here",
            f"Choose one of {', '.join(names.__members__)}.",
        )
    return names[text]


def _endpoint_name(config: Arguments, kind: EndpointKind, endpoints: Sequence[Endpoint]) -> str:
    key = read_number_id(config.text("integrationID"), _TYPES[kind])
    for endpoint in endpoints:
        if endpoint.id == key and endpoint.settings.kind is kind:
            return endpoint.name
    raise NotFound(
        f"there is no {kind} with the id of the integration",
        "It may be deleted: list the integrations.",
    )


def write_action(action: Action, endpoints: Sequence[Endpoint]) -> Answer:
    """Return an action as W&B's API does."""
    if isinstance(action, NoAction):
        return {"__typename": "NoOpTriggeredAction", "noOp": True}
    endpoint = next(one for one in endpoints if one.name == action.endpoint)
    if isinstance(action, SlackAction):
        return {
            "__typename": "NotificationTriggeredAction",
            "integration": write_integration(endpoint),
            "title": action.title,
            "message": action.message,
            "severity": action.severity.value,
        }
    return {
        "__typename": "GenericWebhookTriggeredAction",
        "integration": write_integration(endpoint),
        "requestPayload": _shown_payload(action.payload),
    }


def _shown_payload(payload: str | None) -> str | None:
    """Return a payload as W&B's SDK can read it, a JSON object; for any other it is none.

    A variable outside quotes, for one, makes a payload that is no JSON.
    """
    try:
        is_object = isinstance(json.loads(payload or "null"), dict)
    except ValueError:
        is_object = False
    return payload if is_object else None


def _is_same(one: str | None, other: str | None) -> bool:
    """Return whether two payloads are equal JSON, however they are laid out."""
    if one is None or other is None:
        return one is other
    return canonical(parse(one, "the payload")) == canonical(parse(other, "the payload"))
