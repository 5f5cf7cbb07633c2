"""The worker: cycles of one transaction each, in a thread, and the requests, on the event loop."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from firetower.core.endpoints import Endpoint
from firetower.core.errors import FiretowerError, NotReady, SecretKeyError, StoreError, Unforeseen
from firetower.core.executions import Status
from firetower.core.feed import FeedLine
from firetower.core.matching import Decision
from firetower.core.requests import Secrets
from firetower.core.runs import HEARTBEAT_INTERVAL, RUN_TIMEOUT, RunReference
from firetower.core.text import counted
from firetower.core.times import duration
from firetower.delivery.client import Client
from firetower.delivery.environment import read_proxies
from firetower.store import workers
from firetower.store.changes import Change, version_by_others
from firetower.store.executions import find_execution
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.claim import Claim, claim_due, count_due
from firetower.store.queue.crossings import evaluate_metrics
from firetower.store.queue.evaluate import evaluate
from firetower.store.queue.record import AttemptResult, Recorded, give_back, record, recover
from firetower.store.runs import crash_overdue
from firetower.store.secrets import open_secrets
from firetower.store.store import Store
from firetower.store.watch import Waker, watch
from firetower.worker.attempt import deliver, failed, refused
from firetower.worker.limits import share_connections
from firetower.worker.lines import Emit, Report, describe, line_of_result, lines_of_decisions
from firetower.worker.shortages import Shortages

BATCH = 500
"""Events evaluated in one transaction."""
SHUTDOWN_TIMEOUT = timedelta(seconds=10)
"""How long a stopping worker waits for the attempts in flight."""
RUN_GRACE = 2 * HEARTBEAT_INTERVAL.total_seconds()
"""Seconds that runs have for a heartbeat after the machine has slept, or its clock was set."""
POLL_INTERVAL = 5.0
"""The longest time between two cycles, and so between two heartbeats, in seconds."""
RETRY_DELAY = 1.0
"""Seconds before a cycle that failed, or a watch of the database, is tried again."""
_SEND_DELAY = 0.001
"""Seconds that requests have to be sent before the next cycle takes the interpreter's lock."""


@dataclass(slots=True)
class _CycleResult:
    """The result of one cycle: lines and messages to print, and claims."""

    lines: list[FeedLine] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    more: bool = False
    """Whether something is left to evaluate at once."""
    next_due_at: datetime | None = None
    waiting: int = 0
    """Executions that wait for what is missing here, counted at the end only."""


@dataclass(slots=True)
class Worker:
    """Evaluates events and performs actions.

    One thread waits for changes, answers and time, and runs a cycle, one transaction, for each:
    answers recorded, events evaluated, due executions claimed. The requests run on the event loop,
    each endpoint within its own limit, so that a slow one keeps only its own executions waiting.
    They are made ready while the claims are committed, and not sent before.
    """

    store: Store
    client: Client
    emit: Emit
    report: Report
    connections: int = 10_000
    """Requests that are open at a time, shared between the endpoints."""
    run_timeout: timedelta = RUN_TIMEOUT
    """Age of its newest heartbeat from which a run has crashed."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    _proxies: Iterable[str] = field(default_factory=lambda: read_proxies().values())
    """The environment's."""
    _cache: AutomationCache = field(default_factory=AutomationCache)
    _in_flight: Counter[int] = field(default_factory=Counter)
    """The slots of claims whose results were not recorded yet, by endpoint."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _results: list[AttemptResult] = field(default_factory=list)
    """Added to on the event loop, taken from in the thread once they are recorded."""
    _returned: list[tuple[Claim, NotReady]] = field(default_factory=list)
    """Claims whose requests could not be sent because of a shortage; in the same way."""
    _uncommitted: list[Claim] = field(default_factory=list)
    """Claims of commits without an answer, which may have been taken; nothing of them is sent."""
    _shortages: Shortages = field(default_factory=Shortages)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _waker: Waker = field(init=False)
    _stopping: bool = False
    _heartbeat_at: datetime | None = None
    _heartbeat_problem: str | None = None
    _runs_judged_from: float = 0.0
    """When, by the monotonic clock, a silent run may be said to have crashed."""
    _next_due_at: datetime | None = None
    _seen: object = None
    """The database as the last cycle found it, unless that left something to do at once."""
    _problems: dict[str, str] = field(default_factory=dict)
    """What was reported and is still wrong, by what found it."""
    _metrics_after: int = 0
    """Where the evaluation of metrics begins next."""
    _opened: dict[int, tuple[Endpoint, Secrets]] = field(default_factory=dict)
    """Secrets by endpoint, kept until the next heartbeat."""

    def wake(self) -> None:
        """Look at the queue at once. To be called in any thread."""
        self._waker.wake()

    def stop(self) -> None:
        """Claim nothing more, and end when what is under way is done. Call it in any thread."""
        self._stopping = True
        self._waker.wake()

    def report_problem(self, found_by: str, error: Exception | None) -> None:
        """Report an error once, until it is gone; `found_by` names the finder, None clears it."""
        if error is None:
            self._problems.pop(found_by, None)
            return
        problem = error if isinstance(error, FiretowerError) else Unforeseen(error)
        if problem.message not in self._problems.values():
            self.report(f"{problem.message}. {problem.hint}")
        self._problems[found_by] = problem.message

    async def run(self, *, once: bool = False) -> None:
        """Work until stopped; with `once`, until nothing is due.

        Raises StoreError in the first cycle and at the end, with `once` also in between: there the
        database is tried again, here nobody would ever see that nothing more is done. Nothing else
        ends it either. With `once` raises NotReady at the end for executions that are due and wait
        for something of this machine's own.
        """
        self._loop, self._waker = asyncio.get_running_loop(), Waker()
        with closing(self._waker), ThreadPoolExecutor(1, thread_name_prefix="store") as thread:
            in_thread = partial(self._loop.run_in_executor, thread)
            try:
                await in_thread(partial(self._work, once=once))
            finally:
                self.stop()
                await self._finish_attempts()
                ended = await in_thread(self._sign_off)
                self._publish(ended)
        if once and ended.waiting and (error := self._shortages.error):
            waiting = counted(ended.waiting, "execution")
            raise NotReady(f"{waiting} left waiting: {error.message}", error.hint)

    # Requests, on the event loop.

    def _begin(
        self,
        claims: Sequence[Claim],
        secrets: Mapping[int, Secrets],
        committed: asyncio.Future[float],
    ) -> None:
        for claim in claims:
            performing = self._perform(claim, secrets[claim.endpoint.id], committed)
            task = asyncio.create_task(performing)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _perform(
        self, claim: Claim, secrets: Secrets, committed: asyncio.Future[float]
    ) -> None:
        result: AttemptResult | NotReady
        try:
            result = await deliver(claim, secrets, self.client, self.store.clock, committed)
        except NotReady as error:  # tried again soon, without blame for its endpoint
            result = error
        except FiretowerError as error:
            result = refused(claim, error, self.store.clock())
        except Exception as error:  # a defect fails its own attempt only
            result = failed(claim, Unforeseen(error), self.store.clock())
        await asyncio.shield(committed)  # else there is no claim, and nothing to record
        if isinstance(result, NotReady):
            self._returned.append((claim, result))
        else:
            self._results.append(result)
        self._waker.wake()

    async def _finish_attempts(self) -> None:
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=SHUTDOWN_TIMEOUT.total_seconds())
            for task in late:
                task.cancel()

    # Cycles, in the store's thread.

    def _work(self, *, once: bool) -> None:
        with ExitStack() as watching:
            wait = None
            while True:
                self._waker.clear()
                if self._stopping:
                    return
                idle = min(self._step(patient=not once), POLL_INTERVAL)
                if once:
                    if idle and not self._in_flight:
                        return
                    self._waker.wait(idle)  # for answers: nothing else is waited for
                    continue
                try:
                    if wait is None:  # then what was changed before is looked at first
                        wait = watching.enter_context(
                            watch(self.store.database, self._waker, then_changes=True)
                        )
                        self.report_problem("watch", None)
                    else:
                        wait(idle)
                except Exception as error:
                    wait = None
                    watching.close()
                    self.report_problem("watch", error)
                    self._waker.wait(RETRY_DELAY)

    def _step(self, *, patient: bool) -> float:
        """Run one cycle; return the seconds until the next."""
        try:
            cycle = self._cycle()
        except Exception as error:
            begun = self._heartbeat_at is not None
            if not patient or (isinstance(error, StoreError) and not begun):
                raise
            self.report_problem("cycle", error)
            return RETRY_DELAY
        self.report_problem("cycle", None)
        self._publish(cycle)
        if cycle.more:
            return 0
        if cycle.claims:
            time.sleep(_SEND_DELAY)
        if cycle.next_due_at is None:
            return POLL_INTERVAL
        return max((cycle.next_due_at - self.store.clock()).total_seconds(), 0.001)

    def _publish(self, cycle: _CycleResult) -> None:
        # No delivery fails for a line that cannot be written.
        with suppress(OSError):
            for line in cycle.lines:
                self.emit(line)
        with suppress(OSError):
            for message in cycle.messages:
                self.report(message)

    def _cycle(self) -> _CycleResult:
        cycle = _CycleResult()
        results, returned = self._results[:], self._returned[:]
        with self._sending() as send, self.store.changing() as change:
            now, seen = change.now, version_by_others(change.connection)
            if not results and not returned and self._is_idle(now, seen):
                return _CycleResult(next_due_at=self._next_due_at)
            recorded = self._record(change, results, returned)
            last, problem = self._heartbeat_at, self._shortages.problem
            gave_up: Sequence[FeedLine] = ()
            crashed: Sequence[RunReference] = ()
            if self._is_heartbeat_due(now) or problem != self._heartbeat_problem:
                gave_up, crashed = self._record_heartbeat(change, problem)
                last = now
            more, decisions = evaluate(change, self._cache, BATCH)
            metrics = evaluate_metrics(change, self._cache, after=self._metrics_after)
            decisions += metrics.decisions
            cycle.more = more or metrics.more
            ended = [*(result.claim for result in results), *(claim for claim, _ in returned)]
            in_flight = self._in_flight - _by_endpoint(ended)
            cycle.claims, next_due_at = self._claim(change, decisions, in_flight)
            cycle.lines += lines_of_decisions(change, decisions)
            send(cycle.claims)
        del self._results[: len(results)], self._returned[: len(returned)]
        self._uncommitted.clear()
        self._in_flight = in_flight + _by_endpoint(cycle.claims)
        moments = next_due_at, self._shortages.next_retry(now)
        cycle.next_due_at = min((at for at in moments if at is not None), default=None)
        self._metrics_after = metrics.after
        self._heartbeat_at, self._next_due_at = last, cycle.next_due_at
        self._heartbeat_problem = problem
        self._seen = None if cycle.more else seen
        cycle.lines += [*map(line_of_result, recorded.in_time), *gave_up]
        cycle.messages += describe(recorded) + self._shortages.news(now)
        for run in crashed:
            silence = f"no heartbeat for {duration(self.run_timeout)}"
            cycle.messages.append(f"run {run} crashed: {silence}")
        return cycle

    @contextmanager
    def _sending(self) -> Iterator[Callable[[Sequence[Claim]], None]]:
        """Yield what makes requests of claims ready; the end of the block, a commit, sends them."""
        loop, committed = self._loop, None

        def send(claims: Sequence[Claim]) -> None:
            nonlocal committed
            if claims:
                self._uncommitted += claims
                endpoints = {claim.endpoint.id: claim.endpoint for claim in claims}
                secrets = {key: self._secrets(endpoint) for key, endpoint in endpoints.items()}
                committed = loop.create_future()
                loop.call_soon_threadsafe(self._begin, claims, secrets, committed)

        try:
            yield send
        except BaseException:
            if committed is not None:
                loop.call_soon_threadsafe(committed.cancel)
            raise
        if committed is not None:
            loop.call_soon_threadsafe(committed.set_result, time.monotonic())

    def _record(
        self,
        change: Change,
        results: Sequence[AttemptResult],
        returned: Sequence[tuple[Claim, NotReady]],
    ) -> Recorded:
        for result in results:
            self._shortages.remove(result.claim.endpoint.id)
        for claim, error in returned:
            self._shortages.add(claim.endpoint, error, change.now)
        self._shortages.forget(self._cache.endpoints, change.now)
        unsent = [*self._uncommitted, *(claim for claim, _ in returned)]
        give_back(change, unsent, self.id)
        return record(change, results)

    def _is_heartbeat_due(self, now: datetime) -> bool:
        last = self._heartbeat_at
        return last is None or abs(now - last) >= workers.HEARTBEAT_INTERVAL

    def _record_heartbeat(
        self, change: Change, problem: str | None
    ) -> tuple[Sequence[FeedLine], Sequence[RunReference]]:
        """Record a heartbeat; return the executions that dead workers gave up, and dead runs."""
        workers.record_heartbeat(change, self.id, problem)
        last, awake = self._heartbeat_at, time.monotonic()
        if last is not None and abs(change.now - last) > HEARTBEAT_INTERVAL:
            self._runs_judged_from = awake + RUN_GRACE
        known = workers.list_workers(change)
        dead = [one.id for one in known if one.id != self.id and one.is_dead(change.now)]
        gave_up = self._recover(change, dead)
        self._opened.clear()
        is_judge = awake >= self._runs_judged_from
        return gave_up, crash_overdue(change, self.run_timeout) if is_judge else ()

    def _claim(
        self, change: Change, decisions: Iterable[Decision], in_flight: Mapping[int, int]
    ) -> tuple[list[Claim], datetime | None]:
        """Claim what is due, as much as there is room for; return also when the next is due."""
        endpoints, shortages = self._cache.endpoints.values(), self._shortages
        most = {endpoint.id: endpoint.settings.max_in_flight for endpoint in endpoints}
        free = {
            key: 0
            if shortages.is_waiting(key, change.now)
            else max(0, share - in_flight.get(key, 0))
            for key, share in share_connections(most, self.connections).items()
        }
        known = {one.event.id: one.event for one in decisions}
        is_ready = partial(self._is_ready, change)
        return claim_due(change, self._cache, self.id, free, known, is_ready=is_ready)

    def _is_idle(self, now: datetime, seen: object) -> bool:
        """Return whether a cycle would do nothing: most wakes come of the worker's own changes."""
        if seen is None or seen != self._seen or self._is_heartbeat_due(now):
            return False
        return self._next_due_at is None or self._next_due_at > now

    def _sign_off(self) -> _CycleResult:
        with self.store.changing() as change:
            recorded = self._record(change, self._results, self._returned)
            gave_up = self._recover(change, [self.id])
            waiting = count_due(change, self._shortages.endpoint_ids)
        lines = [*map(line_of_result, recorded.in_time), *gave_up]
        messages = describe(recorded) + self._shortages.news(change.now)
        return _CycleResult(lines, messages, waiting=waiting)

    def _recover(self, change: Change, worker_ids: list[str]) -> list[FeedLine]:
        """Release the claims of ended workers; return the lines of executions that gave up."""
        recovered = recover(change, worker_ids)
        workers.sign_off(change, worker_ids)
        failed = [number for number, status in recovered.items() if status is Status.FAILED]
        return [FeedLine.of(find_execution(change, number)) for number in failed]

    def _is_ready(self, change: Change, endpoint: Endpoint) -> bool:
        """Return whether the endpoint's secrets are open, or can be opened now."""
        opened = self._opened.get(endpoint.id)
        if not endpoint.settings.needs_key or (opened and opened[0] is endpoint):
            return True
        try:
            secrets = open_secrets(change, self.store.keyring(change), endpoint)
        except SecretKeyError as error:
            self._shortages.add(endpoint, error, change.now)
            return False
        self._opened[endpoint.id] = endpoint, secrets
        self._shortages.remove(endpoint.id, SecretKeyError)
        return True

    def _secrets(self, endpoint: Endpoint) -> Secrets:
        settings = endpoint.settings
        opened = self._opened[endpoint.id][1] if settings.needs_key else Secrets()
        return opened.hiding(opened.proxy or settings.proxy, *self._proxies)


def _by_endpoint(claims: Iterable[Claim]) -> Counter[int]:
    slots: Counter[int] = Counter()
    for claim in claims:
        slots[claim.endpoint.id] += claim.slots
    return slots
