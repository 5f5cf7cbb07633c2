"""Filling a database with the team's past, through the engine that makes it in earnest."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Any
from urllib.parse import urlsplit

from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.requests import Secrets
from firetower.core.retry import Answer
from firetower.demo.acts import write
from firetower.demo.automations import SAVED, Saved
from firetower.demo.endpoints import SECRETS, SLACK_PATH, SLACK_SECRET, reply, settings
from firetower.demo.team import OPERATOR, PROJECTS, REGISTRIES
from firetower.demo.timeline import LENGTH, Moment, timeline, working_time
from firetower.store import automations
from firetower.store.catalog.containers import create_container
from firetower.store.changes import Change
from firetower.store.endpoints import create_endpoint
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.claim import claim_due
from firetower.store.queue.cycle import Claim, Slots, Turn
from firetower.store.queue.evaluate import evaluate
from firetower.store.queue.record import record
from firetower.store.secrets import open_secrets, set_secret
from firetower.store.store import Store
from firetower.worker.attempt import Exchange, outcome_of, request_of

_ROOM = 1_000
_PAGER_DOWN = timedelta(days=9)
_DASHBOARD_GONE = timedelta(days=40)
_WATCHED = {(one.definition.event_type, one.definition.scope.container) for one in SAVED}
_NOTICED = timedelta(milliseconds=4)
"""How long after a change a worker looks."""


def fill(database_url: str, *, now: datetime, seed: int, receiver_url: str) -> None:
    """Fill an empty database with the team and its last four months, up to `now`.

    The same arguments make the same data. `receiver_url` is what the demo's endpoints name.
    Raises StoreError.
    """
    store = Store.open(database_url, author=OPERATOR)
    try:
        with store.changing() as change:
            _Past(store, change, Random(seed), now).happen(receiver_url)  # noqa: S311
    finally:
        store.close()


@dataclass(slots=True)
class _NotedChange(Change):
    """A change that tells which events it left: their types and their collections' rows."""

    noted: list[tuple[EventType, int]] = field(default_factory=list)

    def record(self, type_: EventType, collection_id: int, **more: Any) -> None:
        """Write the event of what this transaction does, and note it."""
        Change.record(self, type_, collection_id, **more)
        self.noted.append((type_, collection_id))


@dataclass(frozen=True, slots=True)
class _Doing:
    """Something that somebody did at some time."""

    at: datetime
    author: str
    do: Callable[[Change], None]


@dataclass(slots=True)
class _Past:
    """One transaction in which months go by."""

    store: Store
    whole: Change
    chance: Random
    now: datetime
    _cache: AutomationCache = field(default_factory=AutomationCache)
    _secrets: dict[int, Secrets] = field(default_factory=dict)
    _due: list[datetime] = field(default_factory=list)
    """When executions are to be tried again: a heap."""

    def happen(self, receiver_url: str) -> None:
        """Let everything happen that leads to now."""
        begin = working_time(self.now - LENGTH, self.chance)
        self._set_up(self._change(begin, OPERATOR), receiver_url)
        doings = [*map(self._written, timeline(self.now, self.chance)), *map(self._saved, SAVED)]
        for doing in sorted(doings, key=lambda doing: doing.at):
            self._settle(doing.at)
            change = self._change(doing.at, doing.author)
            doing.do(change)
            if any(map(self._is_watched, change.noted)):
                self._evaluate(doing.at + _NOTICED)
        self._settle(self.now)
        self._evaluate(self.now)

    def _written(self, moment: Moment) -> "_Doing":
        return _Doing(moment.at, moment.author, partial(write, act=moment.act))

    def _saved(self, saved: Saved) -> "_Doing":
        at = working_time(self.now - timedelta(days=saved.days_ago), self.chance)
        return _Doing(at, saved.author, partial(_save, saved=saved))

    def _is_watched(self, noted: tuple[EventType, int]) -> bool:
        """Return whether an event may fire something: the others are evaluated with the next."""
        type_, collection_id = noted
        known = self.store.known.get(self.whole.connection, collection_id)
        return (type_, known.reference.container) in _WATCHED

    def _evaluate(self, at: datetime) -> None:
        turn = self._turn(at)
        self._deliver(evaluate(turn, _ROOM).claims, at)

    def _change(self, at: datetime, author: str) -> "_NotedChange":
        return _NotedChange(self.whole.connection, author, at, self._random_hex)

    def _random_hex(self, count: int) -> str:
        return self.chance.randbytes(count).hex()

    def _set_up(self, change: Change, receiver_url: str) -> None:
        for name, description in REGISTRIES.items():
            create_container(change, ContainerReference.registry(name), description)
        for name, description in PROJECTS.items():
            create_container(change, ContainerReference.project(name), description)
        keyring = self.store.keyring(change.connection, create=True)
        for name, value in {**SECRETS, SLACK_SECRET: receiver_url + SLACK_PATH}.items():
            set_secret(change, keyring, name, value)
        for written in settings(receiver_url):
            endpoint = create_endpoint(change, written)
            self._secrets[endpoint.id] = open_secrets(
                change.connection, keyring, endpoint, change.now
            )

    def _turn(self, at: datetime) -> Turn:
        slots = Slots("past", dict.fromkeys(self._secrets, _ROOM))
        return Turn(
            self.whole.connection, self.store.known, self._cache, slots, at, self._random_hex
        )

    def _settle(self, until: datetime) -> None:
        """Try again whatever is due by then."""
        while self._due and self._due[0] <= until:
            at = heappop(self._due)
            claims, _ = claim_due(self._turn(at))
            self._deliver(claims, at)

    def _deliver(self, claims: Iterable[Claim], at: datetime) -> None:
        for claim in claims:
            secrets = self._secrets[claim.endpoint.id]
            request = request_of(claim, secrets, at)
            answer, spent = self._answer(claim, urlsplit(request.url).path, at)
            ended = min(at + spent, self.now)
            exchange = Exchange(request, answer, at, ended - at)
            jitter = self.chance.uniform(-1, 1)
            outcome = outcome_of(claim, secrets, exchange, now=ended, jitter=jitter)
            record(self.whole.connection, [outcome], ended, lambda: 0.0)
            if outcome.verdict.due_at is not None:
                heappush(self._due, outcome.verdict.due_at)

    def _answer(self, claim: Claim, path: str, at: datetime) -> tuple[Answer, timedelta]:
        """Return what an endpoint answered at the time, and after how long."""
        ago = self.now - at
        if claim.endpoint.name == "pager" and ago < _PAGER_DOWN:
            return Answer(error="connection refused"), timedelta(milliseconds=1.4)
        if claim.endpoint.name == "old-dashboard" and ago > _DASHBOARD_GONE:
            return Answer(200, body='{"shown": true}'), timedelta(
                milliseconds=self.chance.uniform(30, 70)
            )
        given = reply(path, claim.webhook_id, claim.number)
        return Answer(given.status, body=given.body), given.delay


def _save(change: Change, saved: Saved) -> None:
    """Save an automation, or the next revision of one."""
    connection, definition = change.connection, saved.definition
    before = [one for one in SAVED if one.definition.name == definition.name]
    if saved is before[0]:
        automations.create_automation(change, definition, saved.mode)
        return
    automation = automations.find_automation(connection, definition.name, change.now)
    automations.edit_automation(change, automation, definition)
