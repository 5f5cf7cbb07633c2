"""The worker: turns at the queue, and the requests between them."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from firetower.core.endpoints import Endpoint
from firetower.core.errors import FiretowerError, StoreError, Unforeseen
from firetower.core.executions import Status
from firetower.core.feed import FeedLine
from firetower.core.matching import Decision
from firetower.core.requests import Secrets
from firetower.delivery.client import Client
from firetower.store import workers
from firetower.store.changes import Change
from firetower.store.executions import find_execution, find_ids
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.claim import claim_due
from firetower.store.queue.cycle import Claim, Slots, Turn
from firetower.store.queue.evaluate import evaluate
from firetower.store.queue.record import AttemptResult, record
from firetower.store.queue.recover import recover
from firetower.store.secrets import open_secrets
from firetower.store.store import Store
from firetower.worker.attempt import deliver, refused
from firetower.worker.lines import line_of_decision, line_of_outcome, words_of

BATCH = 500
"""Events evaluated in one transaction."""
SHUTDOWN_TIMEOUT = timedelta(seconds=10)
"""How long a stopping worker waits for the attempts in flight."""
POLL_INTERVAL = 1.0
"""The longest time between two turns, in seconds."""
RETRY_DELAY = 1.0
"""Seconds before a turn that the database refused is taken again."""


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What one turn at the queue brought."""

    events: int
    ended: Sequence[tuple[int, Decision]]
    """Executions that send nothing, by id."""
    claims: Sequence[tuple[Claim, Secrets | FiretowerError]]
    next_due_at: datetime | None
    circuits: Sequence[str]
    """What became of circuits, in words."""
    given_up: Sequence[FeedLine]
    """Executions whose last attempt was lost with its worker."""


@dataclass(slots=True)
class Worker:
    """Evaluates events and performs actions.

    All SQL runs in one thread, a transaction a turn: answers recorded, events evaluated, due
    executions claimed. The requests run on the event loop, each endpoint within its own limit,
    so that a slow one keeps only its own executions waiting.
    """

    store: Store
    client: Client
    emit: Callable[[FeedLine], None]
    report: Callable[[str], None]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    _cache: AutomationCache = field(default_factory=AutomationCache)
    _in_flight: Counter[int] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _outcomes: list[AttemptResult] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _heartbeat_at: datetime | None = None
    _opened: dict[int, tuple[Endpoint, datetime, Secrets]] = field(default_factory=dict)

    def wake(self) -> None:
        """Look at the queue at once. To be called on the event loop."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more, and end when what is under way is done. To be called on the loop."""
        self._stopping = True
        self._wake.set()

    async def run(self, *, once: bool = False) -> None:
        """Work until stopped; with `once`, until nothing is due.

        Raises StoreError at the start and at the end, with `once` also in between: there the
        database is tried again, here nobody would ever see that nothing more is done.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="store") as thread:
            loop = asyncio.get_running_loop()
            for line in await loop.run_in_executor(thread, self._sign_on):
                self.emit(line)
            try:
                while not self._stopping:
                    self._wake.clear()
                    idle = await self._turn(loop, thread, patient=not once)
                    at_rest = idle is not None and not self._tasks and not self._outcomes
                    if once and at_rest:
                        break
                    if idle is not None:
                        await self._sleep(idle)
            finally:
                await self._finish(loop, thread)

    async def _turn(
        self, loop: asyncio.AbstractEventLoop, thread: ThreadPoolExecutor, *, patient: bool
    ) -> float | None:
        """Take one turn; return how many seconds there is nothing to do, or None."""
        outcomes, self._outcomes = self._outcomes, []
        try:
            result = await loop.run_in_executor(thread, self._work, outcomes)
        except StoreError as error:
            self._outcomes = outcomes + self._outcomes
            if not patient:
                raise
            self.report(f"{error.message}. {error.hint}")
            return RETRY_DELAY
        for execution_id, decision in result.ended:
            self.emit(line_of_decision(execution_id, decision, self.store.clock()))
        for outcome in outcomes:
            self.emit(line_of_outcome(outcome))
        for line in result.given_up:
            self.emit(line)
        for words in result.circuits:
            self.report(words)
        for claim, secrets in result.claims:
            self._begin(claim, secrets)
        if result.events == BATCH or self._outcomes:
            return None
        if result.next_due_at is None:
            return POLL_INTERVAL
        return max((result.next_due_at - self.store.clock()).total_seconds(), 0.001)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, POLL_INTERVAL)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _begin(self, claim: Claim, secrets: Secrets | FiretowerError) -> None:
        if isinstance(secrets, FiretowerError):
            self._outcomes.append(refused(claim, secrets, self.store.clock()))
            self._wake.set()
            return
        self._in_flight[claim.endpoint.id] += 1
        task = asyncio.create_task(self._perform(claim, secrets))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _perform(self, claim: Claim, secrets: Secrets) -> None:
        try:
            outcome = await deliver(claim, secrets, self.client, self.store.clock)
        except FiretowerError as error:
            outcome = refused(claim, error, self.store.clock())
        except Exception as error:  # a defect fails its own execution only
            outcome = refused(claim, Unforeseen(error), self.store.clock())
        finally:
            self._in_flight[claim.endpoint.id] -= 1
        self._outcomes.append(outcome)
        self._wake.set()

    async def _finish(self, loop: asyncio.AbstractEventLoop, thread: ThreadPoolExecutor) -> None:
        """Wait for what is under way, record it, and sign off."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=SHUTDOWN_TIMEOUT.total_seconds())
            for task in late:
                task.cancel()
        outcomes, self._outcomes = self._outcomes, []
        given_up, circuits = await loop.run_in_executor(thread, self._sign_off, outcomes)
        for line in [*map(line_of_outcome, outcomes), *given_up]:
            self.emit(line)
        for words in circuits:
            self.report(words)

    # What follows runs in the store's thread.

    def _sign_on(self) -> list[FeedLine]:
        with self.store.changing() as change:
            workers.register(change.connection, self.id, change.now)
            self._heartbeat_at = change.now
            return self._bury_the_dead(change)

    def _bury_the_dead(self, change: Change) -> list[FeedLine]:
        dead = workers.find_dead(change.connection, change.now)
        recovered = recover(change.connection, change.now, dead)
        if dead:
            workers.sign_off(change.connection, dead)
        return self._given_up(change, recovered)

    def _given_up(self, change: Change, recovered: Mapping[int, Status]) -> list[FeedLine]:
        """Return the lines of executions whose last attempt was lost."""
        return [
            FeedLine.of(find_execution(change, execution_id))
            for execution_id, status in recovered.items()
            if status is Status.FAILED
        ]

    def _sign_off(self, outcomes: Sequence[AttemptResult]) -> tuple[list[FeedLine], list[str]]:
        with self.store.changing() as change:
            news = record(change.connection, outcomes, change.now)
            recovered = recover(change.connection, change.now, [self.id])
            workers.sign_off(change.connection, [self.id])
            given_up = self._given_up(change, recovered)
        return given_up, words_of(news)

    def _work(self, outcomes: Sequence[AttemptResult]) -> TurnResult:
        with self.store.changing() as change:
            connection, now = change.connection, change.now
            news = record(connection, outcomes, now)
            given_up: Sequence[FeedLine] = ()
            if (
                self._heartbeat_at is None
                or abs(now - self._heartbeat_at) >= workers.HEARTBEAT_INTERVAL
            ):
                workers.record_heartbeat(connection, self.id, now)
                given_up = self._bury_the_dead(change)
                self._heartbeat_at = now
            if not self._cache.endpoints:
                self._cache.refresh(connection)
            turn = Turn.of(change, self._cache, self._slots())
            evaluated = evaluate(turn, BATCH)
            due, next_due_at = claim_due(turn)
            claims = [*evaluated.claims, *due]
            opened = [(claim, self._secrets(change, claim)) for claim in claims]
            ended = _numbered(change, evaluated.decisions)
        circuits = words_of(news)
        return TurnResult(evaluated.events, ended, opened, next_due_at, circuits, given_up)

    def _slots(self) -> Slots:
        free = {
            endpoint.id: endpoint.settings.max_in_flight - self._in_flight[endpoint.id]
            for endpoint in self._cache.endpoints.values()
        }
        return Slots(self.id, free)

    def _secrets(self, change: Change, claim: Claim) -> Secrets | FiretowerError:
        """Open the secrets of a claim's endpoint, kept for a short while."""
        endpoint = claim.endpoint
        if not endpoint.settings.secret_names:
            return Secrets()
        kept = self._opened.get(endpoint.id)
        if (
            kept is not None
            and kept[0] is endpoint
            and abs(change.now - kept[1]) < workers.HEARTBEAT_TIMEOUT
        ):
            return kept[2]
        try:
            keyring = self.store.keyring(change)
            secrets = open_secrets(change, keyring, endpoint)
        except FiretowerError as error:
            return error
        self._opened[endpoint.id] = endpoint, change.now, secrets
        return secrets


def _numbered(change: Change, decisions: Sequence[Decision]) -> list[tuple[int, Decision]]:
    """Return the decisions that send nothing, each with its execution's id."""
    ended = {
        (decision.revision.automation_id, decision.event.id): decision
        for decision in decisions
        if decision.status.is_final
    }
    ids = find_ids(change.connection, ended)
    return [(ids[key], decision) for key, decision in ended.items()]
