"""The Python API of automations, endpoints, events and executions.

Not in `tower`, so that a command that only changes the catalog need not import it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from firetower.core.automations import Automation, Definition, Mode, Revision
from firetower.core.circuit_breaker import CircuitChange
from firetower.core.endpoints import (
    Endpoint,
    EndpointDetail,
    EndpointKind,
    EndpointSettings,
    check_proxy,
)
from firetower.core.errors import SecretKeyError, StoreError
from firetower.core.events import Event
from firetower.core.executions import Attempt, Execution
from firetower.core.feed import FeedLine
from firetower.core.references import ContainerReference
from firetower.core.requests import Secrets
from firetower.core.times import moment_before
from firetower.store import (
    automations,
    circuits,
    endpoints,
    events,
    executions,
    redelivery,
    secrets,
    statistics,
)
from firetower.store.follow import Follower, follow_events, follow_executions, read_feed_page
from firetower.store.store import Store, Transactions, changes, reads

if TYPE_CHECKING:
    from firetower.core.backtest import Backtest
    from firetower.core.statistics import RecentFirings
    from firetower.delivery.endpoint_test import EndpointTest
    from firetower.store.prune import Pruned


_RECENT_AGE = timedelta(seconds=10)
"""How long the recent firings of all automations are kept: a million take a second to read."""


class Automations(Transactions):
    """The automations of a database. Those that name one raise NotFound."""

    create = changes(automations.create_automation)
    edit = changes(automations.edit_automation)
    delete = changes(automations.delete_automation)
    undelete = changes(automations.undelete_automation)
    using = reads(automations.list_using)
    overlapping = reads(automations.list_overlapping)
    names = reads(automations.list_names)
    get = reads(automations.find_automation)
    revisions = reads(automations.list_revisions)
    history = reads(statistics.read_firing_history)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._lists = automations.AutomationLists()
        self._recent: tuple[datetime, Mapping[int, RecentFirings]] | None = None

    def restore(self, name: str, number: int) -> Automation:
        """Save an earlier revision's definition again, as the newest revision.

        The mode stays. Raises as `edit` does: an endpoint of then may be deleted by now.
        """
        with self._store.changing() as change:
            automation = automations.find_automation(change, name)
            earlier = automations.find_revision(change, automation.id, number)
            return automations.edit_automation(change, name, earlier.definition)

    def set_mode(self, name: str, mode: Mode) -> Automation:
        """Enable an automation, disable it, or put it in shadow."""
        return self._change(automations.edit_automation, name, mode=mode)

    def list(
        self, container: ContainerReference | None = None, *, limit: int | None = None
    ) -> list[Automation]:
        """Return every automation by name, or those of one registry or project, or the first."""
        if limit is None:
            return self._read(self._lists.read, container)
        return self._read(automations.list_automations, container, limit=limit)

    def recent(self, among: Sequence[int] | None = None) -> "Mapping[int, RecentFirings]":
        """Return how often each automation fired in the last 24 hours, by id, if it did.

        `among` are the ids of some; of all it is kept for 10 seconds.
        """
        if among is not None:
            return self._read(statistics.read_recent, among)
        now = self._store.clock()
        if self._recent is None or not timedelta(0) <= now - self._recent[0] < _RECENT_AGE:
            self._recent = now, self._read(statistics.read_recent)
        return self._recent[1]

    def backtest(
        self,
        definition: Definition,
        since: datetime,
        *,
        wanted: Callable[[], bool] = lambda: True,
        progress: "Callable[[Backtest], object] | None" = None,
    ) -> "Backtest":
        """Return the firings that a definition, saved or not, would have made since a moment.

        Events are tested the newest first. `progress` is called with the result so far, soon and
        then several times a second. Raises NotFound for its container, and Cancelled as soon as
        `wanted` returns False.
        """
        from firetower.store.backtest import run_backtest

        return self._read(run_backtest, definition, since, wanted=wanted, progress=progress)


class Endpoints(Transactions):
    """The webhooks and Slack channels of a database. Those that name one raise NotFound."""

    get = reads(endpoints.show_endpoint)
    find = reads(endpoints.find_endpoint)
    list = reads(endpoints.list_endpoints)
    details = reads(endpoints.show_endpoints)
    traffic = reads(statistics.read_traffic)
    last_failure = reads(statistics.find_last_failure)
    newest_circuit_change = reads(circuits.newest_change_id)
    delete = changes(endpoints.delete_endpoint)

    def create(
        self, settings: EndpointSettings, new_secrets: Mapping[str, str] | None = None
    ) -> Endpoint:
        """Save a new endpoint, with secrets that are saved together with it, or not at all.

        Raises InvalidInput, NotFound for a secret, Conflict for a name, SecretKeyError.
        """
        return self._save(new_secrets, settings, endpoints.create_endpoint)

    def edit(
        self, name: str, settings: EndpointSettings, new_secrets: Mapping[str, str] | None = None
    ) -> Endpoint:
        """Change how an endpoint is reached, also for what is queued; close its circuit.

        `settings` are the whole of them, with the same name and kind. Raises as `create` does, and
        Conflict where a payload uses a secret that would no longer be granted.
        """
        return self._save(new_secrets, settings, partial(endpoints.edit_endpoint, name=name))

    def _save(
        self,
        new: Mapping[str, str] | None,
        settings: EndpointSettings,
        save: Callable[..., Endpoint],
    ) -> Endpoint:
        """Save new secrets and an endpoint. Raises InvalidInput where a secret cannot be sent."""
        with self._store.changing() as change:
            for name, value in (new or {}).items():
                secrets.add_secret(change, self._store.keyring(change, create=True), name, value)
            if settings.proxy is not None and settings.proxy != settings.shown_proxy:
                proxy = check_proxy(settings.proxy)
                sealed = secrets.seal_proxy(self._store.keyring(change, create=True), proxy)
                settings = settings.model_copy(update={"proxy": sealed})
            endpoint = save(change, settings=settings)
            if endpoint.settings.secret_names:
                with suppress(SecretKeyError):  # the worker has the key, or reports its absence
                    opened = secrets.open_secrets(change, self._store.keyring(change), endpoint)
                    secrets.check_values(endpoint, opened)
            return endpoint

    def stopped(self) -> Sequence[EndpointDetail]:
        """Return the endpoints that are disabled or have an open circuit."""
        return self._read(endpoints.show_endpoints, stopped=True)

    def circuit_changes_since(
        self, number: int, container: ContainerReference | None = None
    ) -> Sequence[CircuitChange]:
        """Return the openings and closings of circuits with higher numbers, in order.

        `container` narrows them to the endpoints that its automations use, or have used.
        """
        return self._read(circuits.list_changes, container, after_id=number)

    def enable(self, name: str, kind: EndpointKind) -> EndpointDetail:
        """Send to an endpoint again, its circuit closed; return what it missed."""
        return self._change(endpoints.set_enabled, name, kind, reason=None)

    def disable(self, name: str, kind: EndpointKind, reason: str = "by hand") -> None:
        """Stop sending to an endpoint."""
        self._change(endpoints.set_enabled, name, kind, reason=reason)

    def test(self, name: str, kind: EndpointKind | None = None) -> "EndpointTest":
        """Send a test request, even if disabled; return the answer.

        Raises SecretKeyError, and StoreError where the database was opened read-only.
        """
        from firetower.delivery.endpoint_test import send_test  # imports aiohttp

        self._store.database.refuse_read_only()  # a request is an effect too
        endpoint = self.get(name, kind).endpoint
        return send_test(endpoint, self.open_secrets(endpoint), self._store.clock())

    def open_secrets(self, endpoint: Endpoint) -> Secrets:
        """Open the secrets granted to an endpoint. Raises SecretKeyError."""
        if not endpoint.settings.needs_key:
            return Secrets()
        with self._store.reading() as reader:
            return secrets.open_secrets(reader, self._store.keyring(reader), endpoint)


class Events(Transactions):
    """The events of a database."""

    newest = reads(events.newest_events)
    newest_in = reads(events.newest_events_in)
    get = reads(events.find_event)

    def follow(
        self,
        after: int,
        *,
        wait: float = 1.0,
        on_failure: Callable[[StoreError], object] | None = None,
    ) -> Iterator[Sequence[Event]]:
        """Yield the events recorded after another, in batches, as they come.

        An empty batch comes after `wait` seconds without one, so that the caller can stop. Where
        the database fails meanwhile, `on_failure` is called once and it is tried until it works;
        without it StoreError is raised.
        """
        return follow_events(self._store, after, wait, on_failure)


class Executions(Transactions):
    """The executions of a database."""

    newest = reads(executions.list_executions)
    page = reads(read_feed_page)
    newest_at = reads(executions.find_newest_at)
    page_end = reads(executions.find_page_end)
    chain = reads(executions.list_causes)
    redeliver = changes(redelivery.redeliver)
    redeliver_failed = changes(redelivery.redeliver_failed)
    failed_since = reads(redelivery.count_failed)
    heat = reads(statistics.read_heat)

    def get(self, execution_id: int) -> tuple[Execution, list[Attempt]]:
        """Return an execution with its attempts. Raises NotFound."""
        with self._store.reading() as reader:
            execution = executions.find_execution(reader, execution_id)
            return execution, executions.list_attempts(reader, execution_id)

    def revision(self, execution: Execution) -> Revision:
        """Return the automation as it was when it fired."""
        return self._read(automations.find_revision, execution.automation_id, execution.revision)

    def follow(
        self, *, wait: float = 1.0, on_failure: Callable[[StoreError], object] | None = None
    ) -> Iterator[Sequence[FeedLine]]:
        """Yield the feed's new lines from now on, in batches, as they come.

        An empty batch comes at once, and after `wait` seconds without a line, so that the caller
        can stop. `on_failure` is as for `Events.follow`.
        """
        for lines in follow_executions(
            self._store, wait, Follower.poll, quick=True, on_failure=on_failure
        ):
            if lines is None:
                yield ()
            elif lines:
                yield lines

    def changes(self, *, wait: float = 1.0) -> Iterator[Sequence[Execution] | None]:
        """Yield the executions that are new or have changed, each time the database changes.

        None comes at once, and after `wait` seconds without a change, so that the caller can stop.
        """
        return follow_executions(self._store, wait, Follower.poll_executions, quick=False)

    def end_waits(self) -> None:
        """Let `changes` of other threads yield None at once, from now on."""
        self._store.database.end_waits()


class Upkeep(Transactions):
    """Deleting old history."""

    def cutoff(self, age: timedelta) -> datetime:
        """Return the moment of `age` ago. Raises InvalidInput for less than a day."""
        from firetower.store.prune import check_age

        check_age(age)
        return moment_before(self._store.clock(), age)

    def plan(self, before: datetime) -> "Pruned":
        """Return how much `prune` would delete."""
        from firetower.store.prune import plan

        return self._read(plan, before)

    def prune(self, before: datetime) -> "Iterator[Pruned]":
        """Delete the events before a moment with all that they fired; yield each batch.

        Each batch is a transaction of its own: it may be stopped at any time, and run again.
        """
        from firetower.store.prune import prune

        return prune(self._store, before)

    def give_back_space(self) -> None:
        """Return an SQLite file's free space to the disk. Raises StoreError on PostgreSQL."""
        self._store.database.vacuum()
