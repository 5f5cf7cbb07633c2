"""Making a webhook or a Slack hook."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import work

from firetower.core.automations import duration, parse_duration
from firetower.core.endpoints import (
    EndpointKind,
    EndpointSettings,
    SignatureEncoding,
    check_url,
    parse_schedule,
)
from firetower.core.errors import FiretowerError, InvalidInput
from firetower.core.references import check_endpoint_name
from firetower.core.retry import DEFAULT_SCHEDULE
from firetower.core.text import quoted
from firetower.tui.session import session_of, show_error
from firetower.tui.widgets.ask import Answers, Ask
from firetower.tui.widgets.field import Field, TextField
from firetower.tui.widgets.secret_field import SecretField

if TYPE_CHECKING:
    from firetower.tower import Tower


_TITLES = {EndpointKind.WEBHOOK: "New webhook", EndpointKind.SLACK: "New Slack hook"}
_PATTERN = re.compile(r"\W+", re.ASCII)


class EndpointDialog(Ask[str]):
    """Asks how an endpoint is reached; gives back the name of the one that was made."""

    def __init__(self, kind: EndpointKind) -> None:
        self.kind = kind
        self._endpoint = TextField(
            "name", "Name", placeholder="ci-deploy", check=check_endpoint_name
        )
        self._secrets = self._secret_fields()
        fields: list[Field] = [self._endpoint]
        if kind is EndpointKind.WEBHOOK:
            fields.append(
                TextField("url", "URL", placeholder="https://ci.example.com/hook", check=check_url)
            )
        super().__init__(
            _TITLES[kind], [*fields, *self._secrets, *_finer(kind)], self._create, taken="name"
        )

    def _secret_fields(self) -> list[SecretField]:
        if self.kind is EndpointKind.SLACK:
            url = SecretField(
                "url_secret",
                "URL secret",
                required=True,
                suggest=lambda: self._named("URL"),
                check=_check_secret_url,
                note="The incoming webhook's URL lets anyone post: it is kept as a secret.",
            )
            return [url]
        return [
            SecretField(
                "access_token_secret",
                "Access token",
                suggest=lambda: self._named("TOKEN"),
                note="Sent as a bearer token.",
            ),
            SecretField(
                "signing_secret",
                "Signing secret",
                suggest=lambda: self._named("KEY"),
                note="Signs each request: the receiver knows who sent it.",
            ),
        ]

    def _named(self, what: str) -> str:
        """Return a name for a new secret of this endpoint."""
        name = _PATTERN.sub("_", self._endpoint.value).strip("_").upper()
        return f"{name}_{what}" if name else ""

    def on_mount(self) -> None:
        super().on_mount()
        self._read()

    @work(exit_on_error=False)
    async def _read(self) -> None:
        try:
            found = await session_of(self).ask(lambda tower: tower.secrets.list())
        except FiretowerError as error:
            show_error(self, error)
            return
        for field in self._secrets:
            field.set_names([secret.name for secret in found])

    def _create(self, tower: Tower, answers: Answers) -> str:
        given: dict[str, object] = {name: value for name, value in answers.items() if value}
        for name, read in _READ.items():
            if name in given:
                given[name] = read(str(given[name]))
        settings = EndpointSettings.model_validate({"kind": self.kind, **given})
        new = {field.value: field.new_value.value for field in self._secrets if field.is_new}
        return tower.endpoints.create(settings, new).name


def _finer(kind: EndpointKind) -> list[Field]:
    """Return what seldom needs to be said: the placeholders are what it is without."""
    waits = ", ".join(duration(wait) for wait in DEFAULT_SCHEDULE[:3])
    fields: list[Field] = [
        TextField(
            "schedule",
            "Retries after",
            placeholder=f"{waits}, … 24h; or never",
            required=False,
            check=parse_schedule,
        ),
        TextField("timeout", "Timeout", placeholder="10s", required=False, check=parse_duration),
    ]
    if kind is EndpointKind.WEBHOOK:
        fields.append(
            TextField(
                "signature_encoding",
                "Signature in",
                placeholder="base64; or hex",
                required=False,
                check=_check_encoding,
            )
        )
    return fields


_READ: dict[str, Callable[[str], object]] = {
    "schedule": parse_schedule,
    "timeout": parse_duration,
}


def _check_encoding(value: str) -> None:
    """Refuse what X-Wandb-Signature cannot be written in."""
    if value not in set(SignatureEncoding):
        raise InvalidInput(f"{quoted(value)} is no encoding", "Write base64 or hex.")


def _check_secret_url(value: str) -> None:
    """Refuse what is no URL, without repeating it: it is a secret."""
    try:
        check_url(value)
    except InvalidInput:
        raise InvalidInput(
            "the value is no URL that can be reached",
            "Copy it from Slack: it begins with https://hooks.slack.com/.",
        ) from None
