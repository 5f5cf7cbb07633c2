"""Requests: the body, headers and signatures of an attempt, and its record with secrets masked."""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import unquote, urlsplit

from firetower.core.actions import NoAction, Severity, SlackAction, WebhookAction
from firetower.core.automations import Definition
from firetower.core.endpoints import Endpoint, SignatureEncoding, shown_url
from firetower.core.errors import NotFound
from firetower.core.events import Event
from firetower.core.filters.fields import Value
from firetower.core.json import dump
from firetower.core.masking import holds_secret, masked_forms, signing_key
from firetower.core.retry import Answer
from firetower.core.runs import RunState
from firetower.core.templates import (
    ACCESS_TOKEN,
    MASK,
    PayloadTemplate,
    TextTemplate,
    read_variable,
)
from firetower.core.text import instant, shortened, storable


def standard_signature(
    secrets: Iterable[str], webhook_id: str, sent_at: datetime, body: bytes
) -> str:
    """Return `webhook-signature`: one `v1,<base64>` a secret, separated by spaces.

    More than one secret are valid while one is being rotated.
    """
    content = b"%s.%d.%s" % (webhook_id.encode(), int(sent_at.timestamp()), body)
    macs = (hmac.digest(signing_key(secret), content, sha256) for secret in secrets)
    return " ".join(f"v1,{b64encode(mac).decode()}" for mac in macs)


def wandb_signature(secret: str, body: bytes, encoding: SignatureEncoding) -> str:
    """Return `X-Wandb-Signature`: HMAC-SHA256 of the body under the secret's UTF-8 bytes."""
    mac = hmac.digest(secret.encode(), body, sha256)
    return mac.hex() if encoding is SignatureEncoding.HEX else b64encode(mac).decode()


SLACK_COLOURS = {Severity.INFO: "#439fe0", Severity.WARN: "#daa038", Severity.ERROR: "#a30200"}

MAX_KEPT = 1_000
"""Characters of an answer that are kept."""
WITHHELD = "not kept: it gave a secret back"
"""Kept in the place of an answer that did."""
_ESCAPED_MASK = json.dumps(MASK)[1:-1]


@dataclass(frozen=True)
class Secrets:
    """The opened secrets of one endpoint, by name; never shown."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    previous: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values replaced within the grace period: receivers may still know only these."""
    proxy: str | None = field(default=None, repr=False)
    """The endpoint's own proxy, with its password."""

    def value(self, name: str) -> str:
        """Return the value of a secret. Raises NotFound."""
        if name not in self.values:
            raise NotFound(
                f"the secret {name} no longer exists",
                f"Set it with `firetower secret set {name}`, and redeliver.",
            )
        return self.values[name]

    def hiding(self, *proxies: str | None) -> "Secrets":
        """Return them with the passwords of proxies, which are as secret."""
        found = dict(self.values)
        for number, proxy in enumerate(filter(None, proxies)):
            parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            if parts.password:
                password = unquote(parts.password)
                # No secret can have such a name.
                found[f"proxy password {number}"] = password
                found[f"proxy user {number}"] = f"{unquote(parts.username or '')}:{password}"
        return self if len(found) == len(self.values) else replace(self, values=found)

    def mask(self, text: str) -> str:
        """Return `text` with every secret's value in it masked."""
        for written in self._to_mask:
            text = text.replace(written, MASK)
        return text

    @cached_property
    def _to_mask(self) -> tuple[str, ...]:
        """Each value as a request may hold it, the longest first."""
        written = {form for value in self._all for form in masked_forms(value)}
        return tuple(sorted(written, key=len, reverse=True))

    @property
    def _all(self) -> set[str]:
        return {*self.values.values(), *self.previous.values()} - {""}

    def are_in(self, text: str, *, cut: bool = False) -> bool:
        """Return whether `text` gives one of them back; with `cut` it is only a beginning."""
        return holds_secret(text, self._all, cut=cut)


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt's request."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    proxy: str | None = field(default=None, repr=False)
    """The endpoint's own, instead of the environment's."""
    ca_file: str | None = None
    """The endpoint's own CA certificates, instead of the usual ones."""


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """The same request as it is kept and shown, with every secret masked."""

    url: str
    headers: dict[str, str]
    body: str


def render_body(
    definition: Definition, event: Event, endpoint: Endpoint | None, secrets: Secrets | None = None
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
            granted = {} if endpoint is None else _granted(endpoint, secrets)

            def lookup(name: str) -> Value:
                found = granted.get(name)
                return read_variable(name, event, definition.name) if found is None else found

            body = PayloadTemplate.parse(payload).render(lookup)
            return body if secrets is not None else body.replace(_ESCAPED_MASK, MASK)


def _granted(endpoint: Endpoint, secrets: Secrets | None) -> dict[str, str]:
    settings = endpoint.settings
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

    def rendered(template: str | None, default: str) -> str:
        if template is None:
            return slack_escape(default)
        return TextTemplate.parse(template).render(lookup, slack_escape)

    attachment = {
        "color": SLACK_COLOURS[action.severity],
        "text": rendered(action.message, f"{_happened(event)}, by {event.author}"),
        "footer": f"Firetower · {action.severity}",
        "ts": int(event.recorded_at.timestamp()),
    }
    label = event.type.spec.label
    if event.run is not None and event.metric is None:
        label = f"run {event.run.status}"
    title = rendered(action.title, f"{definition.name}: {label}")
    return {"text": title, "attachments": [attachment]}


def _happened(event: Event) -> str:
    """Return the event in words, for the default message."""
    run = event.run
    if run is None:
        return f"{event.subject} {event.detail}".strip()
    if event.metric is not None:
        found = event.metric.words(run.title)
        return f"{found}, at step {event.metric.step:,} in {event.container}"
    silent = ": it sends no heartbeat any more" if run.state is RunState.CRASHED else ""
    return f"run {run.title} of {event.container} {run.state.phrase}{silent}"


def slack_escape(text: str) -> str:
    """Escape Slack's control characters. Source: Slack, "Formatting text for app surfaces"."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def build_request(
    body: str,
    endpoint: Endpoint,
    secrets: Secrets,
    *,
    webhook_id: str,
    sent_at: datetime,
    version: str,
) -> Request:
    """Return the request of one attempt, signed for this attempt's time."""
    settings = endpoint.settings
    content = body.encode("ascii")
    headers = {
        "content-type": "application/json",
        "user-agent": f"firetower/{version}",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
    }
    if settings.signing_secret is not None:
        current = secrets.value(settings.signing_secret)
        previous = secrets.previous.get(settings.signing_secret)
        keys = [current] if previous is None else [current, previous]
        headers["webhook-signature"] = standard_signature(keys, webhook_id, sent_at, content)
        headers["X-Wandb-Signature"] = wandb_signature(
            current, content, settings.signature_encoding
        )
    if settings.access_token_secret is not None:
        headers["Authorization"] = f"Bearer {secrets.value(settings.access_token_secret)}"
    url = settings.url if settings.url_secret is None else secrets.value(settings.url_secret)
    proxy = secrets.proxy or settings.proxy
    return Request(url or "", headers, content, proxy, settings.ca_file)


def record_request(request: Request, endpoint: Endpoint, secrets: Secrets) -> RecordedRequest:
    """Return a request as it is kept, with its secrets and its URL's query masked."""
    url = endpoint.settings.url
    return RecordedRequest(
        url=MASK if url is None else shown_url(secrets.mask(url)),
        headers={name: secrets.mask(value) for name, value in request.headers.items()},
        body=secrets.mask(request.body.decode("ascii")),
    )


def record_answer(answer: Answer, secrets: Secrets) -> Answer:
    """Return an answer as it is kept: no text that gives a secret back."""

    def kept(text: str, *, cut: bool = False) -> str:
        return WITHHELD if secrets.are_in(text, cut=cut) else shortened(text, MAX_KEPT)

    return replace(
        answer,
        error=None if answer.error is None else storable(kept(answer.error)),
        body=storable(kept(answer.body, cut=answer.cut)),
    )
