"""The dialog that creates a webhook or a Slack hook."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from firetower.core.automations import duration, parse_duration
from firetower.core.endpoints import (
    EndpointKind,
    EndpointSettings,
    SignatureEncoding,
    check_url,
    parse_schedule,
)
from firetower.core.errors import InvalidInput
from firetower.core.references import check_endpoint_name
from firetower.core.retry import DEFAULT_SCHEDULE
from firetower.core.text import quoted
from firetower.tui.session import in_background, session_of
from firetower.tui.widgets.ask import Answers, Ask
from firetower.tui.widgets.field import Field, SecretField, TextField

if TYPE_CHECKING:
    from firetower.tower import Tower


_TITLES = {EndpointKind.WEBHOOK: "New webhook", EndpointKind.SLACK: "New Slack hook"}
_NOT_IN_NAMES = re.compile(r"\W+", re.ASCII)
_READ: Mapping[str, Callable[[str], object]] = {
    "schedule": parse_schedule,
    "timeout": parse_duration,
}
"""How those fields are read that are not taken as text."""


class EndpointDialog(Ask[str]):
    """Asks how an endpoint is reached; answers with the name of the one that was created."""

    def __init__(self, kind: EndpointKind) -> None:
        self.kind = kind
        self._endpoint = TextField(
            "name", "Name", placeholder="ci-deploy", check=check_endpoint_name
        )
        fields: list[Field] = [self._endpoint]
        if kind is EndpointKind.WEBHOOK:
            example = "https://ci.example.com/hook"
            fields.append(TextField("url", "URL", placeholder=example, check=check_url))
        self._secrets = self._secret_fields()
        fields += [*self._secrets, *_delivery_fields(kind)]
        super().__init__(_TITLES[kind], fields, self._create, taken="name")

    def _secret_fields(self) -> list[SecretField]:
        if self.kind is EndpointKind.SLACK:
            url = SecretField(
                "url_secret",
                "URL secret",
                required=True,
                suggest=lambda: self._secret_name("URL"),
                check=_check_secret_url,
                note="The incoming webhook's URL lets anyone post: it is kept as a secret.",
            )
            return [url]
        token = SecretField(
            "access_token_secret",
            "Access token",
            suggest=lambda: self._secret_name("TOKEN"),
            note="Sent as a bearer token.",
        )
        key = SecretField(
            "signing_secret",
            "Signing secret",
            suggest=lambda: self._secret_name("KEY"),
            note="Signs each request: the receiver knows who sent it.",
        )
        return [token, key]

    def _secret_name(self, suffix: str) -> str:
        name = _NOT_IN_NAMES.sub("_", self._endpoint.value).strip("_").upper()
        return f"{name}_{suffix}" if name else ""

    def on_mount(self) -> None:
        super().on_mount()
        self._read()

    @in_background
    async def _read(self) -> None:
        found = await session_of(self).ask(lambda tower: tower.secrets.list())
        for field in self._secrets:
            field.set_names([secret.name for secret in found])

    def _create(self, tower: Tower, answers: Answers) -> str:
        given = {name: _READ.get(name, str)(value) for name, value in answers.items() if value}
        settings = EndpointSettings.model_validate({"kind": self.kind, **given})
        new = {field.value: field.new_value.value for field in self._secrets if field.is_new}
        return tower.endpoints.create(settings, new).name


def _delivery_fields(kind: EndpointKind) -> list[Field]:
    """Return the fields that are seldom filled in; their placeholders say the defaults."""

    def field(name: str, label: str, default: str, check: Callable[[str], object]) -> Field:
        return TextField(name, label, placeholder=default, required=False, check=check)

    waits = ", ".join(duration(wait) for wait in DEFAULT_SCHEDULE[:3])
    fields = [
        field("schedule", "Retries after", f"{waits}, … 24h; or never", parse_schedule),
        field("timeout", "Timeout", "10s", parse_duration),
    ]
    if kind is EndpointKind.WEBHOOK:
        fields.append(
            field("signature_encoding", "Signature in", "base64; or hex", _check_encoding)
        )
    return fields


def _check_encoding(value: str) -> None:
    if value not in set(SignatureEncoding):
        raise InvalidInput(f"{quoted(value)} is no encoding", "Write base64 or hex.")


def _check_secret_url(value: str) -> None:
    """Refuse a text that is no URL, without repeating it: it is a secret."""
    try:
        check_url(value)
    except InvalidInput:
        raise InvalidInput(
            "the value is no URL that can be reached",
            "Copy it from Slack: it begins with https://hooks.slack.com/.",
        ) from None
