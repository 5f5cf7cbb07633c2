"""The history of the demo: four months of the team's work, through the engine itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import accumulate
from random import Random
from typing import Any
from urllib.parse import urlsplit

from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.requests import Secrets
from firetower.core.retry import Answer
from firetower.demo import scenarios
from firetower.demo.automations import SavedAutomation, read_automations
from firetower.demo.cast import (
    DATASETS,
    MODELS,
    OPERATOR,
    PROJECTS,
    PROMPTS,
    REGISTRIES,
    Dataset,
    Line,
    Model,
)
from firetower.demo.endpoints import SECRETS, SLACK_PATH, SLACK_SECRET, reply, settings
from firetower.demo.scenarios import Act, Progress, Step, next_scenario
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

HISTORY = timedelta(days=120)
_LAST_HOURS = timedelta(hours=6)
"""Before now, in which only `_last_hours` happen."""
_DAYS_BETWEEN = {Model: (15, 31), Dataset: (34, 56)}
_DAYS_BETWEEN_PROMPTS = (42, 70)


@dataclass(frozen=True, slots=True)
class Moment:
    """An act, its author and its time."""

    at: datetime
    author: str
    act: Act


def _timeline(now: datetime, chance: Random) -> list[Moment]:
    """Return what the team did in the last months, in order of time."""
    progress = {line.logged: Progress() for line in (*MODELS, *DATASETS, *PROMPTS)}
    moments: list[Moment] = []
    for line in (*MODELS, *DATASETS, *PROMPTS):
        moments += _months_of(line, progress[line.logged], now, chance)
    moments += _last_hours(progress, now, chance)
    return sorted(moments, key=lambda moment: moment.at)


def _working_time(moment: datetime, chance: Random) -> datetime:
    """Return a time of day at which people work, on that day or the next working day."""
    if moment.weekday() >= 5 and chance.random() < 0.9:
        moment += timedelta(days=7 - moment.weekday())
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=chance.triangular(7.5, 18.5, 10))


def _months_of(line: Line, progress: Progress, now: datetime, chance: Random) -> Iterator[Moment]:
    shortest, longest = _DAYS_BETWEEN.get(type(line), _DAYS_BETWEEN_PROMPTS)
    begin = now - HISTORY + timedelta(days=chance.uniform(1, 6))
    while True:
        later = replace(progress)
        moments = _from(_working_time(begin, chance), next_scenario(line, later, chance))
        if moments[-1].at > now - _LAST_HOURS:
            return
        yield from moments
        for name in Progress.__slots__:
            setattr(progress, name, getattr(later, name))
        begin = moments[-1].at + timedelta(days=chance.uniform(shortest, longest))


def _from(begin: datetime, steps: Sequence[Step]) -> list[Moment]:
    times = accumulate((step.after for step in steps[1:]), initial=timedelta(0))
    return [
        Moment(begin + after, step.author, step.act)
        for after, step in zip(times, steps, strict=True)
    ]


def _last_hours(progress: dict[str, Progress], now: datetime, chance: Random) -> Iterator[Moment]:
    """Yield the acts of the feed's first screen: each outcome, the newest seconds ago."""
    models = {model.name: model for model in MODELS}
    datasets = {data.name: data for data in DATASETS}
    prompts = {prompt.name: prompt for prompt in PROMPTS}

    def until(ago: float, over: float, steps: Iterable[Step]) -> list[Moment]:
        """Place steps so that the last is `ago` and the first `ago + over` minutes before now."""
        listed = list(steps)
        total = sum((step.after for step in listed[1:]), timedelta(0))
        scale = timedelta(minutes=over) / total
        begin = now - timedelta(minutes=ago + over)
        return _from(begin, [replace(step, after=step.after * scale) for step in listed])

    def promoted(model: Model) -> Iterator[Step]:
        yield from scenarios.train(model, progress[model.logged], chance)
        yield from scenarios.promote(model, progress[model.logged], chance)

    scenes, clicks, triage = datasets["street-scenes"], datasets["clicks-daily"], prompts["triage"]
    yield from until(
        31,
        290,
        [
            *scenarios.refresh(scenes, progress[scenes.logged], chance),
            *scenarios.withdraw(scenes, chance),
        ],
    )
    waker = models["wake-word"]
    yield from until(190, 90, promoted(waker))
    pulled = scenarios.roll_back(waker, progress[waker.logged], chance)
    yield from until(52, 6, pulled)
    reader = models["plate-reader"]
    yield from until(75, 170, promoted(reader))
    pulled = scenarios.roll_back(reader, progress[reader.logged], chance)
    yield from until(0.1, 0.25, pulled)
    yield from until(11, 95, promoted(models["intent-router"]))
    yield from until(1.6, 64, promoted(models["transcriber"]))
    yield from until(0.7, 21, scenarios.refresh(clicks, progress[clicks.logged], chance))
    rewritten = scenarios.rewrite(triage, progress[triage.logged], chance)
    yield from until(2.6, 38, [*rewritten, *scenarios.serve(triage, chance)])
    signs = models["sign-detector"]
    yield from until(0.15, 17, scenarios.train(signs, progress[signs.logged], chance))


_MAX_IN_FLIGHT = 1_000
_PAGER_DOWN = timedelta(days=9)
_DASHBOARD_GONE = timedelta(days=40)
_EVALUATION_DELAY = timedelta(milliseconds=4)
"""The time between a change and its evaluation."""


def fill(database_url: str, *, now: datetime, seed: int, receiver_url: str) -> None:
    """Fill an empty database with the team and its last four months, up to `now`.

    The same arguments make the same data. `receiver_url` is the base of the endpoints' URLs.
    Raises StoreError.
    """
    store = Store.open(database_url, author=OPERATOR)
    try:
        with store.changing() as change:
            _History(store, change, Random(seed), now).write(receiver_url)  # noqa: S311
    finally:
        store.close()


@dataclass(slots=True)
class _NotedChange(Change):
    """A change that notes its events: their types and their collections' rows."""

    noted: list[tuple[EventType, int]] = field(default_factory=list)

    def record(self, type_: EventType, collection_id: int, **more: Any) -> None:
        """Record an event, and note it."""
        Change.record(self, type_, collection_id, **more)
        self.noted.append((type_, collection_id))


@dataclass(slots=True)
class _History:
    """Four months in one transaction: a commit for each change would take most of the time."""

    store: Store
    whole: Change
    chance: Random
    now: datetime
    _cache: AutomationCache = field(default_factory=AutomationCache)
    _secrets: dict[int, Secrets] = field(default_factory=dict)
    _due: list[datetime] = field(default_factory=list)
    """When the next attempts are due: a heap."""

    def write(self, receiver_url: str) -> None:
        """Set up the team, then perform, evaluate and deliver everything in order of time."""
        begin = _working_time(self.now - HISTORY, self.chance)
        self._set_up(self._change(begin, OPERATOR), receiver_url)
        moments = [*_timeline(self.now, self.chance), *map(self._saved, read_automations())]
        watched = {
            (one.definition.event_type, one.definition.scope.container)
            for one in read_automations()
        }
        for moment in sorted(moments, key=lambda moment: moment.at):
            self._retry(moment.at)
            change = self._change(moment.at, moment.author)
            moment.act(change)
            # The events that fire nothing are evaluated with the next ones that may.
            if not watched.isdisjoint(map(self._event_key, change.noted)):
                self._evaluate(moment.at + _EVALUATION_DELAY)
        self._retry(self.now)
        self._evaluate(self.now)

    def _saved(self, saved: SavedAutomation) -> Moment:
        at = _working_time(self.now - timedelta(days=saved.days_ago), self.chance)
        return Moment(at, saved.author, partial(_save, saved=saved))

    def _event_key(self, noted: tuple[EventType, int]) -> tuple[EventType, ContainerReference]:
        type_, collection_id = noted
        return type_, self.whole.collection(collection_id).reference.container

    def _change(self, at: datetime, author: str) -> _NotedChange:
        whole = self.whole
        return _NotedChange(whole.connection, at, whole.collections, author, self._random_hex)

    def _random_hex(self, count: int) -> str:
        return self.chance.randbytes(count).hex()

    def _set_up(self, change: Change, receiver_url: str) -> None:
        for name, description in REGISTRIES.items():
            create_container(change, ContainerReference.registry(name), description)
        for name, description in PROJECTS.items():
            create_container(change, ContainerReference.project(name), description)
        keyring = self.store.keyring(change, create=True)
        for name, value in {**SECRETS, SLACK_SECRET: receiver_url + SLACK_PATH}.items():
            set_secret(change, keyring, name, value)
        for written in settings(receiver_url):
            endpoint = create_endpoint(change, written)
            self._secrets[endpoint.id] = open_secrets(change, keyring, endpoint)

    def _turn(self, at: datetime) -> Turn:
        slots = Slots("history", dict.fromkeys(self._secrets, _MAX_IN_FLIGHT))
        return Turn.of(self._change(at, OPERATOR), self._cache, slots)

    def _evaluate(self, at: datetime) -> None:
        self._deliver(evaluate(self._turn(at), _MAX_IN_FLIGHT).claims, at)

    def _retry(self, until: datetime) -> None:
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
            if outcome.verdict.next_attempt_at is not None:
                heappush(self._due, outcome.verdict.next_attempt_at)

    def _answer(self, claim: Claim, path: str, at: datetime) -> tuple[Answer, timedelta]:
        """Return the answer of an endpoint at a time, and how long it took."""
        ago = self.now - at
        if claim.endpoint.name == "pager" and ago < _PAGER_DOWN:
            return Answer(error="connection refused"), timedelta(milliseconds=1.4)
        if claim.endpoint.name == "old-dashboard" and ago > _DASHBOARD_GONE:
            delay = timedelta(milliseconds=self.chance.uniform(30, 70))
            return Answer(200, body='{"shown": true}'), delay
        given = reply(path, claim.webhook_id, claim.number)
        return Answer(given.status, body=given.body), given.delay


def _save(change: Change, saved: SavedAutomation) -> None:
    """Save an automation, or the next revision of one."""
    definition = saved.definition
    first = next(one for one in read_automations() if one.definition.name == definition.name)
    if saved is first:
        automations.create_automation(change, definition, saved.mode)
        return
    automation = automations.find_automation(change, definition.name)
    automations.edit_automation(change, automation, definition)
