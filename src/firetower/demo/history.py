"""The history of the demo: four months of the team's work, through the engine itself."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import accumulate, chain
from random import Random
from urllib.parse import urlsplit

from firetower.core.points import Point
from firetower.core.references import ContainerReference
from firetower.core.requests import Secrets
from firetower.core.retry import Answer
from firetower.core.run_changes import RunChanges
from firetower.core.runs import RunAlert, RunState
from firetower.demo import cast
from firetower.demo.automations import SavedAutomation, read_automations
from firetower.demo.endpoints import SECRETS, SLACK_PATH, SLACK_SECRET, reply, settings
from firetower.demo.scenarios import Act, Step, Team
from firetower.demo.training import PastTraining, past_trainings
from firetower.store import automations
from firetower.store.catalog.containers import create_container
from firetower.store.changes import Change
from firetower.store.endpoints import create_endpoint
from firetower.store.points import write_points
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.claim import Claim, claim_due
from firetower.store.queue.crossings import evaluate_metrics
from firetower.store.queue.evaluate import evaluate
from firetower.store.queue.record import record
from firetower.store.runs import alert_run, end_run, start_run, touch_run
from firetower.store.secrets import open_secrets, set_secret
from firetower.store.store import Store
from firetower.worker.attempt import request_of, result_of

HISTORY = timedelta(days=120)
_LAST_HOURS = timedelta(hours=6)
"""Before now, in which only `_last_hours` happen."""
_DAYS_BETWEEN = {cast.Model: (15, 31), cast.Dataset: (34, 56), cast.Prompt: (42, 70)}
"""Days between two scenarios of a line of work, at least and at most."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An act, its author and its time."""

    at: datetime
    author: str
    act: Act


def _working_time(moment: datetime, chance: Random) -> datetime:
    """Return a time of day at which people work, on that day or the next working day."""
    if moment.weekday() >= 5 and chance.random() < 0.9:
        moment += timedelta(days=7 - moment.weekday())
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=chance.triangular(7.5, 18.5, 10))


def _months_of(team: Team, line: cast.Line, now: datetime) -> Iterator[Moment]:
    chance = team.chance
    begin = now - HISTORY + timedelta(days=chance.uniform(1, 6))
    while True:
        before = replace(team.progress[line.logged])
        moments = _moments(_working_time(begin, chance), team.next_scenario(line))
        if moments[-1].at > now - _LAST_HOURS:
            team.progress[line.logged] = before
            return
        yield from moments
        begin = moments[-1].at + timedelta(days=chance.uniform(*_DAYS_BETWEEN[type(line)]))


def _moments(begin: datetime, steps: Sequence[Step]) -> list[Moment]:
    waits = accumulate((step.after for step in steps[1:]), initial=timedelta(0))
    return [
        Moment(begin + wait, step.author, step.act) for wait, step in zip(waits, steps, strict=True)
    ]


def _last_hours(team: Team, now: datetime) -> Iterator[Moment]:
    """Yield the acts of the feed's first screen: each outcome, the newest seconds ago."""
    models = {model.name: model for model in cast.MODELS}
    datasets = {data.name: data for data in cast.DATASETS}
    prompts = {prompt.name: prompt for prompt in cast.PROMPTS}

    def until(ago: float, over: float, *scenarios: Iterable[Step]) -> list[Moment]:
        """Place steps so that the last is `ago` and the first `ago + over` minutes before now."""
        steps = list(chain(*scenarios))
        total = sum((step.after for step in steps[1:]), timedelta(0))
        scale = timedelta(minutes=over) / total
        begin = now - timedelta(minutes=ago + over)
        return _moments(begin, [replace(step, after=step.after * scale) for step in steps])

    scenes, triage = datasets["street-scenes"], prompts["triage"]
    yield from until(31, 290, team.refresh(scenes), team.withdraw(scenes))
    for name, ago, over, rolled_back in (
        ("wake-word", 190, 90, (52, 6)),
        ("plate-reader", 75, 170, (0.1, 0.25)),
        ("intent-router", 11, 95, None),
        ("transcriber", 1.6, 64, None),
    ):
        yield from until(ago, over, team.train(models[name]), team.promote(models[name]))
        if rolled_back:
            yield from until(*rolled_back, team.roll_back(models[name]))
    yield from until(0.7, 21, team.refresh(datasets["clicks-daily"]))
    yield from until(2.6, 38, team.rewrite(triage), team.serve(triage))
    yield from until(0.15, 17, team.train(models["sign-detector"]))


def _training_moments(past: PastTraining) -> Iterator[Moment]:
    training, user = past.training, past.training.model.owner

    def start(change: Change) -> None:
        said = RunChanges(name=training.name, config=training.config)
        start_run(change, training.reference.project, training.id, said)

    def log(points: Sequence[Point], change: Change) -> None:
        write_points(change, touch_run(change, training.reference), points)

    def end(change: Change) -> None:
        failed = training.end is RunState.FAILED
        if failed:
            alert = RunAlert(title="loss diverged", text="It is not a number.", severity="ERROR")
            alert_run(change, training.reference, alert)
        code = 1 if failed else None
        end_run(change, training.reference, training.end, code, RunChanges())

    yield Moment(past.begin, user, start)
    at = past.begin
    for at, points in past.pieces():
        yield Moment(at, user, partial(log, points))
    yield Moment(at + timedelta(seconds=1), user, end)


_MAX_IN_FLIGHT = 1_000
_MAX_TESTS = 100_000
_PAGER_DOWN = timedelta(days=9)
_DASHBOARD_GONE = timedelta(days=40)
_PIECE = 100
"""Changes in one transaction: a seventh of the history."""
_FIRST_WEEKS = 1
"""The piece after which there are automations, and some have fired."""
_EVALUATION_DELAY = timedelta(milliseconds=4)
"""The time between a change and its evaluation."""


def fill(
    database_url: str,
    *,
    now: datetime,
    seed: int,
    receiver_url: str,
    begun: Callable[[], object] = lambda: None,
) -> None:
    """Fill an empty database with the team and its last four months, up to `now`.

    The same arguments make the same data. `receiver_url` is the base of the endpoints' URLs,
    `begun` is called once the first weeks are there. Raises StoreError.
    """
    with closing(Store.open(database_url, author=cast.OPERATOR)) as store:
        history = _History(store, seed, Random(seed), now)  # noqa: S311
        pieces = history.write(receiver_url)
        for number, _ in enumerate(pieces):
            if number == _FIRST_WEEKS:
                begun()


@dataclass(slots=True)
class _History:
    """Four months in a few transactions: a commit for each change would take most of the time."""

    store: Store
    seed: int
    chance: Random
    now: datetime
    _piece: Change = field(init=False)
    """The transaction that is open."""
    _cache: AutomationCache = field(default_factory=AutomationCache)
    _secrets: dict[int, Secrets] = field(default_factory=dict)
    _due: list[datetime] = field(default_factory=list)
    """When the next attempts are due: a heap."""

    def write(self, receiver_url: str) -> Iterator[None]:
        """Set up the team, then perform, evaluate and deliver everything in order of time.

        Yield after each transaction.
        """
        begin = _working_time(self.now - HISTORY, self.chance)
        with self.store.changing() as self._piece:
            self._set_up(self._change(begin, cast.OPERATOR), receiver_url)
        team = Team(self.chance)
        moments = [one for line in cast.LINES for one in _months_of(team, line, self.now)]
        moments += _last_hours(team, self.now)
        moments += map(self._saved, read_automations())
        for past in past_trainings(self.seed, self.now):
            moments += _training_moments(past)
        moments.sort(key=lambda moment: moment.at)
        for first in range(0, len(moments), _PIECE):
            with self.store.changing() as self._piece:
                for moment in moments[first : first + _PIECE]:
                    self._perform(moment)
            yield
        with self.store.changing() as self._piece:
            self._retry(self.now)
        yield

    def _perform(self, moment: Moment) -> None:
        self._retry(moment.at)
        moment.act(self._change(moment.at, moment.author))
        evaluated_at = moment.at + _EVALUATION_DELAY
        evaluate(self._change(evaluated_at, cast.OPERATOR), self._cache, _MAX_IN_FLIGHT)
        evaluate_metrics(self._change(evaluated_at, cast.OPERATOR), self._cache, tests=_MAX_TESTS)
        self._deliver(evaluated_at)

    def _saved(self, saved: SavedAutomation) -> Moment:
        definition = saved.definition

        def save(change: Change) -> None:
            if definition.name in automations.list_names(change):
                automations.edit_automation(change, definition.name, definition)
            else:
                automations.create_automation(change, definition, saved.mode)

        at = _working_time(self.now - timedelta(days=saved.days_ago), self.chance)
        return Moment(at, saved.author, save)

    def _change(self, at: datetime, author: str) -> Change:
        connection, collections = self._piece.connection, self._piece.collections
        return Change(connection, at, author, self._random_hex, collections=collections)

    def _random_hex(self, count: int) -> str:
        return self.chance.randbytes(count).hex()

    def _set_up(self, change: Change, receiver_url: str) -> None:
        for name, description in cast.REGISTRIES.items():
            create_container(change, ContainerReference.registry(name), description)
        for name, description in cast.PROJECTS.items():
            create_container(change, ContainerReference.project(name), description)
        keyring = self.store.keyring(change, create=True)
        for name, value in {**SECRETS, SLACK_SECRET: receiver_url + SLACK_PATH}.items():
            set_secret(change, keyring, name, value)
        for written in settings(receiver_url):
            endpoint = create_endpoint(change, written)
            self._secrets[endpoint.id] = open_secrets(change, keyring, endpoint)

    def _retry(self, until: datetime) -> None:
        while self._due and self._due[0] <= until:
            self._deliver(heappop(self._due))

    def _deliver(self, at: datetime) -> None:
        free = dict.fromkeys(self._secrets, _MAX_IN_FLIGHT)
        claims, _ = claim_due(self._change(at, cast.OPERATOR), self._cache, "history", free)
        for claim in claims:
            secrets = self._secrets[claim.endpoint.id]
            request = request_of(claim, secrets, at)
            answer, spent = self._answer(claim, urlsplit(request.url).path, at)
            ended = min(at + spent, self.now)
            jitter = self.chance.uniform(-1, 1)
            result = result_of(
                claim, secrets, request, answer, started_at=at, duration=ended - at, jitter=jitter
            )
            record(self._change(ended, cast.OPERATOR), [result], lambda: 0.0)
            if result.verdict.next_attempt_at is not None:
                heappush(self._due, result.verdict.next_attempt_at)

    def _answer(self, claim: Claim, path: str, at: datetime) -> tuple[Answer, timedelta]:
        """Return the answer of an endpoint at a time, and how long it took."""
        ago = self.now - at
        if claim.endpoint.name == "pager" and ago < _PAGER_DOWN:
            return Answer(error="connection refused"), timedelta(milliseconds=1.4)
        if claim.endpoint.name == "old-dashboard" and ago > _DASHBOARD_GONE:
            delay = timedelta(milliseconds=self.chance.uniform(30, 70))
            return Answer(200, body='{"shown": true}'), delay
        return reply(path, claim.webhook_id, claim.number)
