"""The dialogs of an endpoint: to create or edit it, and to test it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Label, Static

from firetower.core.endpoints import (
    Endpoint,
    EndpointKind,
    EndpointSettings,
    SecretUse,
    SignatureEncoding,
    check_proxy,
    check_url,
    parse_schedule,
    whole_path,
)
from firetower.core.errors import FiretowerError, InvalidInput
from firetower.core.references import check_endpoint_name
from firetower.core.retry import DEFAULT_SCHEDULE
from firetower.core.text import and_list, quoted
from firetower.core.times import duration, parse_duration
from firetower.tui.actions import bindings_of
from firetower.tui.page import Dialog
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import body_lines, lines, mark, milliseconds, plain
from firetower.tui.widgets.ask import Answers, Ask
from firetower.tui.widgets.field import Field, SecretField, TextField

if TYPE_CHECKING:
    from firetower.delivery.endpoint_test import EndpointTest

_TITLES = {EndpointKind.WEBHOOK: "New webhook", EndpointKind.SLACK: "New Slack hook"}
_NOT_IN_NAMES = re.compile(r"\W+", re.ASCII)
_READ: Mapping[str, Callable[[str], object]] = {
    "schedule": parse_schedule,
    "timeout": parse_duration,
    "ca_file": whole_path,
}
"""How those fields are read that are not taken as text."""


class EndpointDialog(Ask[str]):
    """Asks how an endpoint is reached; answers with the name of the one that was saved."""

    def __init__(self, kind: EndpointKind, before: EndpointSettings | None = None) -> None:
        """Create an endpoint, or edit the one that is reached as `before` says."""
        self.kind = kind
        self._before = before
        typed = {} if before is None else _typed(before)
        self._endpoint = TextField(
            "name",
            "Name",
            value=typed.get("name", ""),
            placeholder="ci-deploy",
            check=check_endpoint_name,
        )
        fields: list[Field] = [self._endpoint] if before is None else []
        if kind is EndpointKind.WEBHOOK:
            example, url = "https://ci.example.com/hook", typed.get("url", "")
            fields.append(TextField("url", "URL", value=url, placeholder=example, check=check_url))
        self._secrets = self._secret_fields(typed)
        fields += [*self._secrets, *_delivery_fields(kind, typed)]
        title = _TITLES[kind] if before is None else f"Edit {before.name}"
        super().__init__(title, fields, self._store, taken="name")

    def _secret_fields(self, typed: Mapping[str, str]) -> list[SecretField]:
        def secret(
            name: str, label: str, use: SecretUse, suffix: str, note: str, *, required: bool = False
        ) -> SecretField:
            value, suggest = typed.get(name, ""), partial(self._secret_name, suffix)
            return SecretField(
                name, label, use, value=value, required=required, suggest=suggest, note=note
            )

        if self.kind is EndpointKind.SLACK:
            note = "The incoming webhook's URL lets anyone post: it is kept as a secret."
            return [secret("url_secret", "URL secret", SecretUse.URL, "URL", note, required=True)]
        token, key = SecretUse.ACCESS_TOKEN, SecretUse.SIGNING
        note = "Signs each request: the receiver knows who sent it."
        return [
            secret(
                "access_token_secret", "Access token", token, "TOKEN", "Sent as a bearer token."
            ),
            secret("signing_secret", "Signing secret", key, "KEY", note),
        ]

    def _secret_name(self, suffix: str) -> str:
        name = _NOT_IN_NAMES.sub("_", self._endpoint.value).strip("_").upper()
        return f"{name}_{suffix}" if name else ""

    def on_mount(self) -> None:
        self._read()

    @in_background
    async def _read(self) -> None:
        found = await session_of(self).ask(lambda tower: tower.secrets.list())
        for field in self._secrets:
            field.set_names([secret.name for secret in found])

    def _store(self, tower: Tower, answers: Answers) -> str:
        given = {name: _READ.get(name, str)(value) for name, value in answers.items() if value}
        before = self._before
        if before is not None and given.get("proxy") == _masked_proxy(before):
            given["proxy"] = before.proxy
        new = {field.value: field.new_value.value for field in self._secrets if field.is_new}
        if before is None:
            settings = EndpointSettings.model_validate({"kind": self.kind, **given})
            tower.endpoints.create(settings, new)
        else:
            for name, value in new.items():
                tower.secrets.set(name, value)
            kept = before.model_dump(exclude=set(answers))
            settings = EndpointSettings.model_validate({**kept, **given})
            tower.endpoints.edit(settings.name, settings)
        self._warn(settings)
        return settings.name

    def _warn(self, settings: EndpointSettings) -> None:
        """Say what is wrong with its CA file: it is read where the worker runs, maybe elsewhere."""
        from firetower.delivery.environment import ca_file_problem

        if problem := ca_file_problem(settings.name, settings.ca_file):
            self.app.call_from_thread(self.notify, problem.text, severity="warning")


def _typed(settings: EndpointSettings) -> dict[str, str]:
    """Return settings as they are typed; those that are the default are left out."""
    changed = settings.model_dump(exclude_defaults=True, exclude={"schedule", "timeout"})
    typed = {name: str(value) for name, value in changed.items()}
    if settings.proxy is not None:
        typed["proxy"] = _masked_proxy(settings)
    if settings.schedule != DEFAULT_SCHEDULE:
        typed["schedule"] = ", ".join(map(duration, settings.schedule)) or "never"
    if settings.timeout != EndpointSettings.model_fields["timeout"].default:
        typed["timeout"] = duration(settings.timeout)
    return typed


def _masked_proxy(settings: EndpointSettings) -> str:
    """Return its proxy with dots for user and password, which cannot be typed as they are."""
    proxy, shown = settings.proxy or "", settings.shown_proxy or ""
    return shown if proxy == shown else shown.replace("//", "//•••@", 1)


def _delivery_fields(kind: EndpointKind, typed: Mapping[str, str]) -> list[Field]:
    """Return the fields that are seldom filled in; their placeholders say the defaults."""

    def field(name: str, label: str, default: str, check: Callable[[str], object]) -> Field:
        value = typed.get(name, "")
        return TextField(name, label, value=value, placeholder=default, required=False, check=check)

    waits = ", ".join(duration(wait) for wait in DEFAULT_SCHEDULE[:3])
    fields = [
        field("schedule", "Retries after", f"{waits}, … 24h; or never", parse_schedule),
        field("timeout", "Timeout", "10s", parse_duration),
    ]
    if kind is EndpointKind.WEBHOOK:
        fields.append(
            field("signature_encoding", "Signature in", "base64; or hex", _check_encoding)
        )

    def check_new_proxy(proxy: str) -> None:
        if proxy != typed.get("proxy"):
            check_proxy(proxy)

    return [
        *fields,
        field("proxy", "Proxy", "the environment's; or http://HOST:PORT", check_new_proxy),
        field("ca_file", "CA file", "the usual certificates; or a file's path", whole_path),
    ]


def _check_encoding(value: str) -> None:
    if value not in set(SignatureEncoding):
        raise InvalidInput(f"{quoted(value)} is no encoding", "Write base64 or hex.")


class EndpointTestScreen(Dialog["EndpointTest | None"]):
    """Says what a test sends, sends it when told to, and shows the answer below."""

    BINDINGS: ClassVar = bindings_of("endpoint-test", "buttons")

    def __init__(self, name: str) -> None:
        super().__init__()
        self.endpoint = name
        self._test: EndpointTest | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(plain(f"Test {self.endpoint}?"), classes="dialog--title")
            yield Static("Loading …", classes="dialog--detail")
            yield Static("", classes="endpoint-test--answer")
            with VerticalScroll(classes="endpoint-test--scroll", can_focus=False):
                yield Static("", classes="endpoint-test--body")
            with Horizontal(classes="dialog--buttons"):
                yield Static("t sends", classes="ask--keys")
                yield Button("Copy", id="copy", action="screen.copy", compact=True)
                yield Button("Cancel", id="close", action="screen.back", compact=True)
                send = Button("Send test", id="send", action="screen.test", compact=True)
                send.variant = "primary"
                yield send

    def on_mount(self) -> None:
        self.query_one("#send", Button).disabled = True
        self.query_one("#close", Button).focus()
        self._read()

    @in_background
    async def _read(self) -> None:
        said = self.query_one(".dialog--detail", Static)
        try:
            endpoint = await session_of(self).ask(lambda tower: tower.endpoints.find(self.endpoint))
        except FiretowerError as error:
            said.update(lines(error.text))
        else:
            said.update(test_words(endpoint))
            self.query_one("#send", Button).disabled = False

    def action_test(self) -> None:
        """Send it, unless one is under way."""
        send = self.query_one("#send", Button)
        if not send.disabled:
            send.disabled = True
            self._send()

    @in_background
    async def _send(self) -> None:
        self._show(Content.styled("▸ sending …", "dim"))
        try:
            test = await session_of(self).ask_slowly(
                lambda tower: tower.endpoints.test(self.endpoint)
            )
        except FiretowerError as error:
            self._show(Content.styled("✗ not sent", "$error"), lines(error.text))
        else:
            self._test = test
            self._show(answer_line(test), body_lines(test.answer.body, "y copies all"))
            self.query_one("#copy").display = bool(test.answer.body)
        finally:
            self.query_one("#close", Button).label = "Close"
            send = self.query_one("#send", Button)
            send.label, send.disabled = "Test again", False

    def _show(self, line: Content, body: Content | None = None) -> None:
        answer = self.query_one(".endpoint-test--answer", Static)
        answer.display = True
        answer.update(line)
        self.query_one(".endpoint-test--body", Static).update(body or "")
        self.query_one(".endpoint-test--scroll").display = bool(body)

    def action_back(self) -> None:
        """Leave, with the last test that was answered."""
        self.dismiss(self._test)

    def action_copy(self) -> None:
        if self._test is not None and self._test.answer.body:
            self.app.copy_to_clipboard(self._test.answer.body)
            self.notify("Copied the answer.")
        else:
            self.notify("There is no answer's body yet.", severity="warning")


def test_words(endpoint: Endpoint) -> Content:
    """Return what a test sends where."""
    settings = endpoint.settings
    if settings.kind is EndpointKind.SLACK:
        said = f"Posts one line to the Slack channel behind the secret {settings.url_secret}."
    else:
        token, key = settings.access_token_secret, settings.signing_secret
        proofs = [f"with the token {token}"] if token else []
        proofs += [f"signed with {key}"] if key else []
        how = f", {and_list(proofs)}" if proofs else ""
        said = f"POST {endpoint.target}\nSends a sample of the type TEST{how}."
    if not endpoint.enabled:
        said += "\nThe endpoint is disabled: only this test goes there."
    return lines(said)


def answer_line(test: EndpointTest) -> Content:
    """Return the answer to a test in one line: "✓ 202 in 34 ms"."""
    style = "$success" if test.answer.succeeded else "$error"
    answer = mark(test.answer.succeeded) + plain(test.answer.words).stylize(style)
    return Content.assemble(answer, " ", (f"in {milliseconds(test.duration_ms)}", "dim"))
