"""Webhooks and Slack hooks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from firetower.core.circuit_breaker import CircuitNews
from firetower.core.endpoints import Endpoint, EndpointKind, EndpointSettings
from firetower.core.errors import Conflict
from firetower.core.references import ContainerReference
from firetower.core.requests import Secrets
from firetower.core.text import counted
from firetower.store import circuit_news
from firetower.store import endpoints as store
from firetower.store.secrets import open_secrets, set_secret
from firetower.store.store import Store

if TYPE_CHECKING:
    from firetower.delivery.endpoint_test import EndpointTest


@dataclass(frozen=True, slots=True)
class EndpointDetail:
    """An endpoint, who uses it, and what it has missed."""

    endpoint: Endpoint
    automations: tuple[str, ...]
    waiting: int
    """Executions that wait for it."""
    missed: int
    """Executions skipped or failed since it was disabled, or since its circuit opened."""

    @property
    def missing(self) -> str:
        """How much waits for it and what it missed: "12 waiting, 3 missed", or ""."""
        numbers = ((self.waiting, "waiting"), (self.missed, "missed"))
        return ", ".join(f"{count:,} {word}" for count, word in numbers if count)

    def trouble(self, clock: Callable[[datetime], str]) -> str:
        """Return why nothing is sent to it and what it misses, in words; "" where all is well."""
        endpoint, circuit = self.endpoint, self.endpoint.circuit
        if endpoint.disabled_at is not None:
            because = f": {endpoint.disabled_reason}" if endpoint.disabled_reason else ""
            said = f"disabled {clock(endpoint.disabled_at)}{because}"
        elif circuit is not None:
            failures = counted(circuit.failures, "failure")
            said = (
                f"circuit open: {circuit.reason}, {failures} in a row, "
                f"next try {clock(circuit.probe_at)}"
            )
        else:
            return ""
        return ", ".join(filter(None, (said, self.missing)))


class Endpoints:
    """The endpoints of a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self, settings: EndpointSettings, new_secrets: Mapping[str, str] | None = None
    ) -> Endpoint:
        """Save a new endpoint, with secrets that are saved together with it, or not at all.

        Raises InvalidInput, NotFound for a secret, Conflict for a name, SecretKeyError.
        """
        with self._store.changing() as change:
            for name, value in (new_secrets or {}).items():
                keyring = self._store.keyring(change.connection, create=True)
                if not set_secret(change, keyring, name, value):
                    raise Conflict(
                        f"a secret named {name} exists already",
                        "Use it as it is, or give the new one another name.",
                    )
            return store.create_endpoint(change, settings)

    def list(self, kind: EndpointKind) -> list[Endpoint]:
        """Return every endpoint of a kind by name."""
        with self._store.reading() as connection:
            found = store.list_endpoints(connection)
        return [endpoint for endpoint in found if endpoint.settings.kind is kind]

    def get(self, name: str, kind: EndpointKind | None = None) -> EndpointDetail:
        """Return an endpoint, of a kind if one is given. Raises NotFound."""
        with self._store.reading() as connection:
            found = store.find_endpoint(connection, name, kind)
            return EndpointDetail(found, *store.use_of(connection, found))

    def all(self) -> Sequence[Endpoint]:
        """Return every endpoint of both kinds by name."""
        with self._store.reading() as connection:
            return store.list_endpoints(connection)

    def find(self, name: str) -> Endpoint:
        """Return an endpoint of either kind. Raises NotFound."""
        with self._store.reading() as connection:
            return store.find_endpoint(connection, name)

    def details(self) -> Sequence[EndpointDetail]:
        """Return every endpoint of both kinds by name, with who uses it and what it missed."""
        with self._store.reading() as connection:
            return [
                EndpointDetail(found, *store.use_of(connection, found))
                for found in store.list_endpoints(connection)
            ]

    def silent(self) -> Sequence[EndpointDetail]:
        """Return those that nothing is sent to: disabled ones, and those with an open circuit."""
        with self._store.reading() as connection:
            found = store.list_endpoints(connection)
            return [
                EndpointDetail(one, *store.use_of(connection, one)) for one in found if one.silenced
            ]

    def newest_news(self) -> int:
        """Return the number of the newest opening or closing of a circuit; 0 without any."""
        with self._store.reading() as connection:
            return circuit_news.newest_news(connection)

    def news_since(
        self, number: int, container: ContainerReference | None = None
    ) -> Sequence[CircuitNews]:
        """Return the openings and closings of circuits with higher numbers, in order.

        `container` narrows them to the endpoints that its automations use, or have used.
        """
        with self._store.reading() as connection:
            return circuit_news.news_since(connection, number, container)

    def enable(self, name: str, kind: EndpointKind) -> EndpointDetail:
        """Send to an endpoint again, its circuit closed; return what it missed. Raises NotFound."""
        detail = self.get(name, kind)
        with self._store.changing() as change:
            store.set_enabled(change, detail.endpoint, reason=None)
        return detail

    def disable(self, name: str, kind: EndpointKind, reason: str = "by hand") -> None:
        """Stop sending to an endpoint. Raises NotFound."""
        with self._store.changing() as change:
            endpoint = store.find_endpoint(change.connection, name, kind)
            store.set_enabled(change, endpoint, reason=reason)

    def test(self, name: str, kind: EndpointKind | None = None) -> "EndpointTest":
        """Send a test request to an endpoint, enabled or not; return its answer.

        Raises NotFound, SecretKeyError.
        """
        from firetower.delivery.endpoint_test import send_test  # imports httpx and aiohttp

        endpoint = self.get(name, kind).endpoint
        return send_test(endpoint, self.open_secrets(endpoint), self._store.clock())

    def delete(self, name: str, kind: EndpointKind) -> None:
        """Delete an endpoint. Raises NotFound, and Conflict while an automation uses it."""
        with self._store.changing() as change:
            endpoint = store.find_endpoint(change.connection, name, kind)
            store.delete_endpoint(change, endpoint)

    def open_secrets(self, endpoint: Endpoint) -> Secrets:
        """Open the secrets granted to an endpoint. Raises SecretKeyError."""
        if not endpoint.settings.secret_names:
            return Secrets()
        with self._store.reading() as connection:
            keyring = self._store.keyring(connection)
            return open_secrets(connection, keyring, endpoint, self._store.clock())
