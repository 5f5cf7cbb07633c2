"""What holds after any fault: the receiver's own log, checked against the event log.

The trials fire automations that send every alias of a registry to an endpoint, without a payload
of their own, so that each body says which automation was fired by which alias.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from firetower.core.events import EventType
from firetower.core.executions import Status
from firetower.store import schema
from firetower.store.store import Store
from receiver import Received

RECORDING = timedelta(seconds=30)
"""How long after an answer another try may still begin: until the answer is recorded, which takes
a loaded machine long."""


@dataclass(frozen=True)
class Fired:
    """One execution of the event log."""

    id: int
    automation: str
    alias: str
    status: str
    webhook_id: str


@dataclass(frozen=True)
class Tried:
    """One attempt of the event log."""

    execution: int
    number: int
    started_at: datetime
    duration: timedelta
    outcome: str


@dataclass(frozen=True)
class Arrived:
    """One request of the receiver's log."""

    webhook_id: str
    automation: str
    alias: str


@dataclass(frozen=True)
class Evidence:
    """Everything that was seen of one trial."""

    acknowledged: frozenset[str]
    """The aliases whose change returned to its caller."""
    events: Sequence[str]
    """The alias of each event that added one."""
    automations: frozenset[str]
    """Those that every such event fires."""
    executions: Sequence[Fired]
    attempts: Sequence[Tried]
    arrivals: Sequence[Arrived]
    steady: bool = True
    """Whether the clock was: a clock that steps says nothing about what came after what."""


def gather(
    database: str,
    acknowledged: Iterable[str],
    requests: Iterable[Received],
    *,
    steady: bool = True,
) -> Evidence:
    """Read the event log, and put the receiver's log beside it."""
    store = Store.open(database)
    try:
        with store.reading() as reader:
            names = {
                row.id: row.name for row in reader.connection.execute(select(schema.automations))
            }
            events = reader.connection.execute(select(schema.events)).all()
            executions = reader.connection.execute(select(schema.executions)).all()
            attempts = reader.connection.execute(select(schema.attempts)).all()
    finally:
        store.close()
    added = {
        row.id: row.alias
        for row in events
        if row.type == EventType.ADD_ARTIFACT_ALIAS.value and row.alias != "latest"
    }
    return Evidence(
        acknowledged=frozenset(acknowledged),
        events=list(added.values()),
        automations=frozenset(names.values()),
        executions=[
            Fired(row.id, names[row.automation_id], added[row.event_id], row.status, row.webhook_id)
            for row in executions
        ],
        attempts=[
            Tried(
                execution=row.execution_id,
                number=row.number,
                started_at=row.started_at,
                duration=timedelta(milliseconds=row.duration_ms),
                outcome=row.outcome,
            )
            for row in attempts
        ],
        arrivals=[_arrived(request) for request in requests],
        steady=steady,
    )


def _arrived(request: Received) -> Arrived:
    data = json.loads(request.body)["data"]
    return Arrived(request.headers["webhook-id"], data["automation"], data["alias"])


def check(evidence: Evidence, *, all_finished: bool = True) -> None:
    """Fail with every promise that was broken."""
    broken = [*violations(evidence)]
    if all_finished:
        counts = Counter(fired.status for fired in evidence.executions)
        if set(counts) - {Status.FINISHED.value}:
            broken.append(f"not everything was finished: {dict(counts)}")
    assert not broken, "\n".join(broken[:20])


def violations(evidence: Evidence) -> Iterator[str]:
    """Tell of each promise that was broken."""
    yield from _lost_changes(evidence)
    yield from _not_one_execution(evidence)
    yield from _never_received(evidence)
    yield from _other_ids(evidence)
    yield from _uncounted(evidence)
    yield from _after_success(evidence)


def _lost_changes(evidence: Evidence) -> Iterator[str]:
    counts = Counter(evidence.events)
    for alias in sorted(evidence.acknowledged):
        if counts[alias] == 0:
            yield f"the acknowledged change {alias} has no event"
    for alias, count in counts.items():
        if count > 1:
            yield f"the change {alias} has {count} events"


def _not_one_execution(evidence: Evidence) -> Iterator[str]:
    made = Counter((fired.automation, fired.alias) for fired in evidence.executions)
    for alias in set(evidence.events):
        for automation in evidence.automations:
            if made[automation, alias] != 1:
                yield f"{automation} has {made[automation, alias]} executions for {alias}"


def _never_received(evidence: Evidence) -> Iterator[str]:
    received = {arrived.webhook_id for arrived in evidence.arrivals}
    for fired in evidence.executions:
        if fired.status == Status.FINISHED.value and fired.webhook_id not in received:
            yield f"execution {fired.id} is finished, and was never received"


def _other_ids(evidence: Evidence) -> Iterator[str]:
    sent = {(fired.automation, fired.alias): fired.webhook_id for fired in evidence.executions}
    for arrived in evidence.arrivals:
        if sent.get((arrived.automation, arrived.alias)) != arrived.webhook_id:
            yield f"{arrived.automation} for {arrived.alias} arrived as {arrived.webhook_id}"


def _uncounted(evidence: Evidence) -> Iterator[str]:
    """Find requests without an attempt: one sent after a success would be such a one too."""
    tries = Counter(tried.execution for tried in evidence.attempts)
    arrivals = Counter(arrived.webhook_id for arrived in evidence.arrivals)
    for fired in evidence.executions:
        if arrivals[fired.webhook_id] > tries[fired.id]:
            yield (
                f"execution {fired.id} arrived {arrivals[fired.webhook_id]} times "
                f"in {tries[fired.id]} attempts"
            )


def _after_success(evidence: Evidence) -> Iterator[str]:
    if not evidence.steady:
        return
    of_each: dict[int, list[Tried]] = defaultdict(list)
    for tried in evidence.attempts:
        of_each[tried.execution].append(tried)
    for execution, attempts in of_each.items():
        for success in attempts:
            if success.outcome != Status.FINISHED.value:
                continue
            known = success.started_at + success.duration + RECORDING
            for tried in attempts:
                if tried.number > success.number and tried.started_at > known:
                    yield (
                        f"execution {execution} was tried again ({tried.number}) "
                        f"after its success ({success.number})"
                    )
