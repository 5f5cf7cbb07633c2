"""Webhooks and Slack hooks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from firetower.core.circuits import CircuitNews
from firetower.core.errors import Conflict
from firetower.core.integrations import Integration, IntegrationKind, IntegrationSettings
from firetower.core.references import ContainerReference
from firetower.core.requests import Secrets
from firetower.core.text import counted
from firetower.store import circuit_news
from firetower.store import integrations as store
from firetower.store.secrets import open_secrets, set_secret
from firetower.store.store import Store


@dataclass(frozen=True, slots=True)
class IntegrationDetail:
    """An endpoint, who uses it, and what it has missed."""

    integration: Integration
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
        integration, circuit = self.integration, self.integration.circuit
        if integration.disabled_at is not None:
            because = f": {integration.disabled_reason}" if integration.disabled_reason else ""
            said = f"disabled {clock(integration.disabled_at)}{because}"
        elif circuit is not None:
            failures = counted(circuit.failures, "failure")
            said = (
                f"circuit open: {circuit.reason}, {failures} in a row, "
                f"next try {clock(circuit.probe_at)}"
            )
        else:
            return ""
        return ", ".join(filter(None, (said, self.missing)))


class Integrations:
    """The endpoints of a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self, settings: IntegrationSettings, new_secrets: Mapping[str, str] | None = None
    ) -> Integration:
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
            return store.create_integration(change, settings)

    def list(self, kind: IntegrationKind) -> list[Integration]:
        """Return every endpoint of a kind by name."""
        with self._store.reading() as connection:
            found = store.list_integrations(connection)
        return [integration for integration in found if integration.settings.kind is kind]

    def get(self, name: str, kind: IntegrationKind | None = None) -> IntegrationDetail:
        """Return an endpoint, of a kind if one is given. Raises NotFound."""
        with self._store.reading() as connection:
            found = store.find_integration(connection, name, kind)
            return IntegrationDetail(found, *store.use_of(connection, found))

    def all(self) -> Sequence[Integration]:
        """Return every endpoint of both kinds by name."""
        with self._store.reading() as connection:
            return store.list_integrations(connection)

    def find(self, name: str) -> Integration:
        """Return an endpoint of either kind. Raises NotFound."""
        with self._store.reading() as connection:
            return store.find_integration(connection, name)

    def details(self) -> Sequence[IntegrationDetail]:
        """Return every endpoint of both kinds by name, with who uses it and what it missed."""
        with self._store.reading() as connection:
            return [
                IntegrationDetail(found, *store.use_of(connection, found))
                for found in store.list_integrations(connection)
            ]

    def silent(self) -> Sequence[IntegrationDetail]:
        """Return those that nothing is sent to: disabled ones, and those with an open circuit."""
        with self._store.reading() as connection:
            found = store.list_integrations(connection)
            return [
                IntegrationDetail(one, *store.use_of(connection, one))
                for one in found
                if one.silenced
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

    def enable(self, name: str, kind: IntegrationKind) -> IntegrationDetail:
        """Send to an endpoint again, its circuit closed; return what it missed. Raises NotFound."""
        detail = self.get(name, kind)
        with self._store.changing() as change:
            store.set_enabled(change, detail.integration, reason=None)
        return detail

    def disable(self, name: str, kind: IntegrationKind, reason: str = "by hand") -> None:
        """Stop sending to an endpoint. Raises NotFound."""
        with self._store.changing() as change:
            integration = store.find_integration(change.connection, name, kind)
            store.set_enabled(change, integration, reason=reason)

    def delete(self, name: str, kind: IntegrationKind) -> None:
        """Delete an endpoint. Raises NotFound, and Conflict while an automation uses it."""
        with self._store.changing() as change:
            integration = store.find_integration(change.connection, name, kind)
            store.delete_integration(change, integration)

    def open_secrets(self, integration: Integration) -> Secrets:
        """Open the secrets granted to an endpoint. Raises SecretKeyError."""
        if not integration.settings.secret_names:
            return Secrets()
        with self._store.reading() as connection:
            keyring = self._store.keyring(connection)
            return open_secrets(connection, keyring, integration, self._store.clock())
