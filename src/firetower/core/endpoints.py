"""Endpoints: where automations send, with their secrets; many automations may share one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from unicodedata import category
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AwareDatetime, Field

from firetower.core.circuit_breaker import Circuit
from firetower.core.errors import InvalidInput
from firetower.core.references import Frozen, Name, check_endpoint_name
from firetower.core.retry import DEFAULT_SCHEDULE
from firetower.core.templates import ACCESS_TOKEN, MASK
from firetower.core.text import counted, quoted, shortened, visible
from firetower.core.times import parse_duration

LONGEST_WAIT = timedelta(days=30)
LONGEST_TIMEOUT = timedelta(minutes=5)
MAX_IN_FLIGHT = 1_000
_LABEL = re.compile(r"[a-zA-Z0-9_]([-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?")
_LONGEST_HOST = 253
SEALED = "firetower-encrypted"
"""Stands for the user of a proxy, before what is encrypted of it."""
_IPV6 = re.compile(r"(^|@)\[[^\[\]]*:[^\[\]]*\](:\d*)?$")
_USER = re.compile(r"\A([a-z]\w*://)?.*@", re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"[?#].*", re.DOTALL)
_VALUE = re.compile(r"([?&#](?:[^=&?#]*=)?)[^&#]+")


class EndpointKind(StrEnum):
    """The kinds of endpoint."""

    WEBHOOK = "webhook"
    SLACK = "slack"


class SignatureEncoding(StrEnum):
    """How the bytes of `X-Wandb-Signature` are written: public receivers disagree."""

    BASE64 = "base64"
    HEX = "hex"


class SecretUse(StrEnum):
    """What an endpoint does with a secret: the field of its settings that names it."""

    URL = "url_secret"
    ACCESS_TOKEN = "access_token_secret"  # noqa: S105 - the field's name
    SIGNING = "signing_secret"


class EndpointSettings(Frozen):
    """How an endpoint is reached. Secrets are given by their names."""

    name: Name
    kind: EndpointKind
    url: str | None = None
    """For a webhook."""
    url_secret: str | None = None
    """For Slack: the secret that holds the incoming webhook's URL."""
    access_token_secret: str | None = None
    signing_secret: str | None = None
    signature_encoding: SignatureEncoding = SignatureEncoding.BASE64
    schedule: tuple[timedelta, ...] = DEFAULT_SCHEDULE
    """The waits after each failed attempt."""
    timeout: timedelta = timedelta(seconds=10)
    """For one whole attempt, from the look-up of the name to the last byte read."""
    max_in_flight: int = 16
    """Requests one worker has open at a time."""
    proxy: str | None = Field(default=None, repr=False)
    """The URL of its own proxy, instead of the environment's; once saved, its user and password
    are encrypted."""
    ca_file: str | None = None
    """The whole path of the CA certificates it is verified with, instead of the usual ones."""

    @property
    def shown_proxy(self) -> str | None:
        """Its proxy, without user and password."""
        return None if self.proxy is None else shown_proxy(self.proxy)

    @property
    def granted(self) -> frozenset[str]:
        """The names by which a payload may use this endpoint's secrets."""
        token = self.access_token_secret
        names = (token, self.signing_secret, None if token is None else ACCESS_TOKEN)
        return frozenset(name for name in names if name is not None)

    @property
    def secret_names(self) -> frozenset[str]:
        """Every secret the endpoint uses."""
        return frozenset(self.secrets_by_use.values())

    @property
    def needs_key(self) -> bool:
        """Whether the secret key is needed to send to it."""
        return bool(self.secret_names) or is_sealed(self.proxy)

    @property
    def secrets_by_use(self) -> dict[SecretUse, str]:
        """The secret of each use that has one."""
        names = {use: getattr(self, use.value) for use in SecretUse}
        return {use: name for use, name in names.items() if name is not None}


def parse_schedule(text: str) -> tuple[timedelta, ...]:
    """Read the waits after failed attempts, "5s, 5m, 2h"; "never" or nothing means no retry.

    Raises InvalidInput.
    """
    if text.strip() in {"", "never"}:
        return ()
    return tuple(parse_duration(part.strip()) for part in text.split(","))


class EndpointState(StrEnum):
    """Whether requests are sent to an endpoint."""

    OK = "ok"
    CIRCUIT_OPEN = "circuit_open"
    """It keeps failing: first attempts are queued, but for a probe now and then."""
    DISABLED = "disabled"
    """What fires for it is skipped."""

    @property
    def label(self) -> str:
        """As people read it: "circuit open"."""
        return self.value.replace("_", " ")


def check_settings(settings: EndpointSettings) -> None:
    """Refuse settings with which nothing could be sent. Raises InvalidInput."""
    check_endpoint_name(settings.name)
    is_slack = settings.kind is EndpointKind.SLACK
    if (settings.url is None) != is_slack or (settings.url_secret is None) == is_slack:
        raise InvalidInput(
            f"{settings.name} has no address, or one of the wrong kind",
            "Give a webhook a URL, and a Slack channel the secret with its URL.",
        )
    if settings.url is not None:
        check_url(settings.url)
    if not timedelta(0) < settings.timeout <= LONGEST_TIMEOUT:
        raise InvalidInput("the timeout is out of bounds", "Use more than 0s, at most 5m.")
    if any(not timedelta(0) <= wait <= LONGEST_WAIT for wait in settings.schedule):
        raise InvalidInput(
            "a wait of the retry schedule is negative or longer than 30d", "Use 0s to 30d."
        )
    if not 1 <= settings.max_in_flight <= MAX_IN_FLIGHT:
        raise InvalidInput(
            "the number of requests in flight is out of bounds", f"Use 1 to {MAX_IN_FLIGHT}."
        )
    if settings.proxy is not None:
        check_proxy(settings.proxy)
    if settings.ca_file is not None and not Path(settings.ca_file).is_absolute():
        raise InvalidInput(
            f"the CA file {visible(settings.ca_file)} is no whole path",
            "Begin it with /: the worker may run in another folder.",
        )


class Endpoint(Frozen):
    """A stored endpoint."""

    id: int
    settings: EndpointSettings
    created_at: AwareDatetime
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    circuit: Circuit | None = None
    """While it is open."""

    @property
    def name(self) -> str:
        """Its unique name."""
        return self.settings.name

    @property
    def enabled(self) -> bool:
        """Whether requests are sent to it."""
        return self.disabled_at is None

    @property
    def state(self) -> EndpointState:
        """Whether requests are sent to it."""
        if not self.enabled:
            return EndpointState.DISABLED
        return EndpointState.OK if self.circuit is None else EndpointState.CIRCUIT_OPEN

    @property
    def stopped_at(self) -> datetime | None:
        """When it was disabled, or its circuit opened."""
        opened_at = None if self.circuit is None else self.circuit.opened_at
        return opened_at if self.disabled_at is None else self.disabled_at

    def describe(self, clock: Callable[[datetime], str]) -> str:
        """Say why requests are not sent to it, or "enabled"; `clock` formats a time."""
        if self.disabled_at is not None:
            because = f": {self.disabled_reason}" if self.disabled_reason else ""
            return f"disabled {clock(self.disabled_at)}{because}"
        if self.circuit is None:
            return "enabled"
        return (
            f"circuit open: {self.circuit.reason}, {counted(self.circuit.failures, 'failure')}"
            f" in a row, next probe {clock(self.circuit.probe_at)}"
        )

    @property
    def target(self) -> str:
        """Where it sends, as far as that may be shown."""
        if self.settings.url is not None:
            return visible(shown_url(self.settings.url))
        return f"Slack, URL in secret {self.settings.url_secret}"

    @property
    def address(self) -> str:
        """The same in short, for lists: host and path of a webhook."""
        if self.settings.url is not None:
            return visible(shown_url(self.settings.url).partition("://")[2])
        return f"secret {self.settings.url_secret}"


@dataclass(frozen=True, slots=True)
class EndpointDetail:
    """An endpoint, the automations that use it, and what was not delivered to it."""

    endpoint: Endpoint
    automations: tuple[str, ...]
    queued: int
    """Executions that wait for it."""
    missed: int
    """Executions skipped or failed since it was disabled, or since its circuit opened."""

    @property
    def counts(self) -> str:
        """What was not delivered: "12 queued, 3 missed"; of a disabled one "15 skipped"."""
        missed = "missed" if self.endpoint.enabled else "skipped"
        numbers = ((self.queued, "queued"), (self.missed, missed))
        return ", ".join(f"{count:,} {word}" for count, word in numbers if count)

    @property
    def summary(self) -> str:
        """Its state in short: "circuit open (12 queued)"; "" where it is ok."""
        if self.endpoint.state is EndpointState.OK:
            return ""
        return f"{self.endpoint.state.label} ({self.counts})".removesuffix(" ()")

    def describe(self, clock: Callable[[datetime], str]) -> str:
        """Say why requests are not sent to it, with the counts; "" where it is ok."""
        if self.endpoint.state is EndpointState.OK:
            return ""
        return f"{self.endpoint.describe(clock)} ({self.counts})".removesuffix(" ()")


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """A secret without its value."""

    name: str
    updated_at: datetime
    used_by: tuple[str, ...]
    """The endpoints it is granted to."""


def _is_host(url: SplitResult) -> bool:
    if "[" in url.netloc:
        return _IPV6.search(url.netloc) is not None  # urlsplit has read the address
    host = url.hostname or ""
    try:
        labels = host.encode("idna").decode().removesuffix(".").split(".")
        if labels[-1].isdigit():
            ip_address(".".join(labels))
    except ValueError:
        return False
    return len(host) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels))


def shown_url(url: str) -> str:
    """Return a URL without the values of its query and fragment: any of them may be a token."""
    return _QUERY.sub(lambda query: _VALUE.sub(rf"\1{MASK}", query[0]), url)


def check_url(url: str) -> str:
    """Return `url` if a webhook can be sent to it: http(s), with a host. Raises InvalidInput."""
    shown = quoted(shortened(_USER.sub(r"\1…@", shown_url(url)), 80))
    hint = "Write it as https://HOST/PATH."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        why = "" if "@" in url else f": {error}"  # it repeats what may be a password
        raise InvalidInput(f"URL {shown} cannot be read{why}", hint) from None
    if parts.scheme not in {"http", "https"}:
        raise InvalidInput(f"URL {shown} is not http or https", hint)
    if not _is_host(parts) or port == 0 or not url.isprintable() or " " in url:
        raise InvalidInput(f"URL {shown} names no host that can be reached", hint)
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "URL has a user name or password in it, which would be shown in records",
            "Keep it in a secret: --access-token SECRET sends it as a header.",
        )
    return url


def is_sealed(proxy: str | None) -> bool:
    """Return whether the user and password of a proxy are encrypted."""
    return proxy is not None and f"//{SEALED}:" in proxy


def shown_proxy(proxy: str) -> str:
    """Return a proxy without its user and password."""
    return _USER.sub(r"\1", proxy)


def check_proxy(proxy: str) -> str:
    """Return the URL of a proxy if requests can go through it. Raises InvalidInput."""
    try:
        parts = urlsplit(proxy)
        check_url(shown_proxy(proxy))
        more = parts.path.strip("/") or parts.query or parts.fragment
        sent = [unquote(one) for one in (parts.username, parts.password) if one]
    except (InvalidInput, ValueError):
        more, sent = "unreadable", []
    if more or not all(map(fits_header, sent)):  # its parts may be secret: none is repeated
        raise InvalidInput(
            "the proxy is no http or https URL of a host alone",
            "Write it as http://USER:PASSWORD@HOST:PORT, with %XX for special characters.",
        )
    return proxy


def whole_path(path: str) -> str:
    """Return a file's whole path, of one in the home or the working folder. Raises InvalidInput."""
    try:
        return str(Path(path).expanduser().absolute())
    except (OSError, RuntimeError):  # no home, no such user, no working folder
        raise InvalidInput(
            f"the path {quoted(shortened(path, 80))} cannot be resolved", "Write it whole, from /."
        ) from None


MAX_SECRET = 64 * 1024
"""Characters of a secret's value."""


def check_secret_value(value: str, *uses: SecretUse) -> str:
    """Return a secret's value if it can be sent whole, in these uses. Raises InvalidInput.

    Several lines and any letters can sign and be used in a payload, but not go into a header. No
    error repeats the value.
    """
    if not value.strip() or len(value) > MAX_SECRET:
        raise InvalidInput(
            "the value of the secret is empty or too long", f"Give 1 to {MAX_SECRET:,} characters."
        )
    if value.startswith("\ufeff"):
        raise InvalidInput(
            "the value of the secret begins with a byte order mark (BOM)",
            "Save it as UTF-8 without one.",
        )
    if "\ufffd" in value:  # what a terminal gives for bytes that are no text
        raise InvalidInput(
            "the value of the secret has bytes in it that are no text",
            "Save or paste it as UTF-8; give bytes in an encoding such as base64.",
        )
    refused = (one for one in value if category(one) in {"Cc", "Cs"} and one not in "\t\r\n")
    if found := next(refused, None):
        raise InvalidInput(
            f"the value of the secret has the control character {visible(found)} in it",
            "Remove it; give bytes in an encoding such as base64.",
        )
    if SecretUse.ACCESS_TOKEN in uses and not fits_header(value):
        raise InvalidInput(
            "the value cannot be an access token: that is sent in a header",
            "Give one line of ASCII characters, without spaces around it.",
        )
    if SecretUse.URL in uses:
        try:
            check_url(value)
        except InvalidInput:  # its words repeat the URL
            raise InvalidInput(
                "the value is no URL that can be reached",
                "Copy it from Slack: it begins with https://hooks.slack.com/.",
            ) from None
    return value


def fits_header(value: str) -> bool:
    """Return whether an HTTP header carries a value as it is."""
    return value.isascii() and value.isprintable() and value == value.strip()
