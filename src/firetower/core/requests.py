"""The request that an execution sends, with secrets, and what is kept of it and of its answer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from firetower.core.actions import NoAction, Severity, SlackAction, WebhookAction
from firetower.core.automations import Definition
from firetower.core.delivery import Answer
from firetower.core.events import Event, instant
from firetower.core.filters.fields import Value
from firetower.core.integrations import Integration, IntegrationKind
from firetower.core.jsons import dump
from firetower.core.masking import forms
from firetower.core.signatures import standard_signature, wandb_signature
from firetower.core.templates import PayloadTemplate, TextTemplate
from firetower.core.text import shortened, storable
from firetower.core.variables import ACCESS_TOKEN, MASK, read_variable

SLACK_COLOURS: Mapping[Severity, str] = {
    Severity.INFO: "#439fe0",
    Severity.WARN: "#daa038",
    Severity.ERROR: "#a30200",
}

MOST_KEPT = 1_000
"""Characters of an answer that are kept."""
_ESCAPED_MASK = json.dumps(MASK)[1:-1]


@dataclass(frozen=True)
class Secrets:
    """The opened secrets of one integration, by name; never shown."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    previous: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values replaced within the grace period: receivers may still know only these."""

    def mask(self, text: str) -> str:
        """Return `text` with every secret's value in it masked."""
        for written in self._to_mask:
            text = text.replace(written, MASK)
        return text

    @cached_property
    def _to_mask(self) -> tuple[str, ...]:
        """Each value in every form in which an answer may give it back, the longest first."""
        values = {*self.values.values(), *self.previous.values()} - {""}
        written = {form for value in values for form in forms(value)}
        return tuple(sorted(written, key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt's request."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """The same request as it is kept and shown, with every secret masked."""

    url: str
    headers: dict[str, str]
    body: str


def render_body(
    definition: Definition,
    event: Event,
    integration: Integration | None,
    secrets: Secrets | None = None,
) -> str:
    """Return the JSON body an automation sends for an event.

    Without `secrets`, those that the payload uses are masked.
    """
    match definition.action:
        case NoAction():
            return ""
        case SlackAction() as action:
            return dump(slack_message(action, definition, event))
        case WebhookAction(payload=payload):
            if payload is None:
                return dump(envelope(definition, event))
            granted = {} if integration is None else _granted(integration, secrets)

            def lookup(name: str) -> Value:
                found = granted.get(name)
                return read_variable(name, event, definition.name) if found is None else found

            body = PayloadTemplate.parse(payload).render(lookup)
            return body if secrets is not None else body.replace(_ESCAPED_MASK, MASK)


def _granted(integration: Integration, secrets: Secrets | None) -> dict[str, str]:
    settings = integration.settings
    values = {
        name: MASK if secrets is None else secrets.values.get(name, "")
        for name in settings.granted - {ACCESS_TOKEN}
    }
    if settings.access_token_secret is not None:
        values[ACCESS_TOKEN] = values[settings.access_token_secret]
    return values


def envelope(definition: Definition, event: Event) -> dict[str, Any]:
    """Return Standard Webhooks' envelope of an event."""
    return {
        "type": str(event.type),
        "timestamp": instant(event.recorded_at),
        "data": {"automation": definition.name, **event.as_data()},
    }


def slack_message(action: SlackAction, definition: Definition, event: Event) -> dict[str, Any]:
    """Return the body of a Slack message, with outside text escaped as Slack asks."""

    def lookup(name: str) -> Value:
        return read_variable(name, event, definition.name)

    def rendered(template: str | None, default: Callable[[], str]) -> str:
        if template is None:
            return slack_escape(default())
        return TextTemplate.parse(template).render(lookup, slack_escape)

    title = rendered(action.title, lambda: f"{definition.name}: {event.type.spec.label}")
    message = rendered(
        action.message, lambda: f"{event.subject} {event.detail}".strip() + f", by {event.author}"
    )
    return {
        "text": title,
        "attachments": [
            {
                "color": SLACK_COLOURS[action.severity],
                "text": message,
                "footer": f"Firetower · {action.severity}",
                "ts": int(event.recorded_at.timestamp()),
            }
        ],
    }


def slack_escape(text: str) -> str:
    """Escape Slack's control characters. Source: Slack, "Formatting text for app surfaces"."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def build_request(
    body: str,
    integration: Integration,
    secrets: Secrets,
    *,
    webhook_id: str,
    sent_at: datetime,
    version: str,
) -> Request:
    """Return the request of one attempt, signed for this attempt's time."""
    settings = integration.settings
    content = body.encode("ascii")
    headers = {
        "content-type": "application/json",
        "user-agent": f"firetower/{version}",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
    }
    if settings.signing_secret is not None:
        current = secrets.values[settings.signing_secret]
        previous = secrets.previous.get(settings.signing_secret)
        keys = [current] if previous is None else [current, previous]
        headers["webhook-signature"] = standard_signature(keys, webhook_id, sent_at, content)
        headers["X-Wandb-Signature"] = wandb_signature(
            current, content, settings.signature_encoding
        )
    if settings.access_token_secret is not None:
        headers["Authorization"] = f"Bearer {secrets.values[settings.access_token_secret]}"
    return Request(_url(integration, secrets), headers, content)


def _url(integration: Integration, secrets: Secrets) -> str:
    settings = integration.settings
    if settings.kind is IntegrationKind.SLACK:
        return secrets.values[settings.url_secret or ""]
    return settings.url or ""


def record_request(request: Request, integration: Integration, secrets: Secrets) -> RecordedRequest:
    """Return what may be kept of a request."""
    url = integration.settings.url
    headers = {name: secrets.mask(value) for name, value in request.headers.items()}
    return RecordedRequest(
        url=MASK if url is None else secrets.mask(url),
        headers=headers,
        body=secrets.mask(request.body.decode("ascii")),
    )


def record_answer(answer: Answer, secrets: Secrets) -> Answer:
    """Return what may be kept of an answer: masked, then cut, for a cut may halve a secret."""
    error = None if answer.error is None else shortened(secrets.mask(answer.error), MOST_KEPT)
    return replace(
        answer,
        error=None if error is None else storable(error),
        body=storable(secrets.mask(answer.body)[:MOST_KEPT]),
    )
