"""Evaluate the new values of runs' metrics: events and executions where a condition begins to hold.

A metric's new values, what came of them and how far they were evaluated are one transaction, and
its row is locked meanwhile: a crash repeats nothing, and two workers never evaluate the same value.
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, bindparam, select, true, update

from firetower.core.automations import Revision
from firetower.core.crossings import Series, Watch, decide_crossings
from firetower.core.events import Event, EventType
from firetower.core.executions import Status
from firetower.core.matching import Decision
from firetower.core.metrics import AnyMetricCondition
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.runs import RunSnapshot
from firetower.store import run_schema, schema
from firetower.store.changes import Change, Reader
from firetower.store.columns import optional_number
from firetower.store.driver import Prepared, insert_rows, run, run_with_ids
from firetower.store.events import MAX_TEXT
from firetower.store.points import VALUES_AFTER, VALUES_UP_TO
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.evaluate import write_executions
from firetower.store.runs import read_snapshots

METRICS = 500
"""Metrics of runs that one transaction looks at."""
TESTS = 10_000
"""Tests of a condition on a value in one transaction: other changes wait for it meanwhile."""
_RUNS_AT_ONCE = 10
"""Runs read by one query: each may have a config of a megabyte."""

_runs, _metrics = run_schema.runs.c, run_schema.run_metrics.c
_containers, _watches = schema.containers.c, run_schema.run_watches.c
_events, _executions = schema.events.c, schema.executions.c

PENDING = _metrics.pending == true()
"""Written as the partial index writes it."""
_WAITING = Prepared(
    select(
        _metrics.id,
        _metrics.run_id,
        _metrics.name,
        _metrics.last_step,
        _metrics.evaluated_step,
        _runs.project_id,
        _containers.entity,
        _containers.name.label("project"),
    )
    .join_from(run_schema.run_metrics, run_schema.runs, _metrics.run_id == _runs.id)
    .join(schema.containers, _runs.project_id == _containers.id)
    .where(PENDING, _metrics.id > bindparam("after"))
    .order_by(_metrics.id)
    .limit(METRICS)
    .with_for_update(of=run_schema.run_metrics, skip_locked=True)
)
_CAUSE = (
    select(_events.cause)
    .where(_events.run_id == bindparam("run"))
    .order_by(_events.id.desc())
    .limit(1)
)
"""The cause of a run's newest event: of its start, or handed on by one of its metrics."""
_DONE = """
UPDATE run_metrics SET evaluated_step = last_step, pending = false WHERE id IN ({ids})
"""
_CUT = "UPDATE run_metrics SET evaluated_step = ? WHERE id = ?"
_UNLISTED = (
    update(schema.executions)
    .where(
        _executions.status == Status.SKIPPED.value,
        _executions.id
        == select(_executions.id)
        .join_from(schema.events, schema.executions, _executions.event_id == _events.id)
        .where(_events.run_id == bindparam("run"))
        .where(_executions.automation_id == bindparam("automation"))
        .order_by(_events.id.desc())
        .limit(1)
        .scalar_subquery(),
    )
    .values(detail=bindparam("detail"))
)
"""The newest execution of an automation and a run says how many crossings have none."""


@dataclass(slots=True)
class Evaluated:
    """The decisions about new values of some metrics."""

    decisions: list[Decision] = field(default_factory=list)
    more: bool = False
    """Whether values may be left that were not evaluated."""
    after: int = 0
    """Where the next call begins: so each metric has its turn, however much is logged of one."""


def evaluate_metrics(
    change: Change, cache: AutomationCache, *, after: int = 0, tests: int = TESTS
) -> Evaluated:
    """Evaluate the values that wait, of some metrics in the order of their rows; write executions.

    `after` is what the call before returned, `tests` bounds the tests of a condition.
    """
    rows = _WAITING.rows(change.connection, after=after)
    if not rows:
        return Evaluated(more=after > 0)
    # After reading them: an automation saved before a value was written is then sure to be seen.
    cache.refresh(change)
    evaluation = _Evaluation(change, cache, rows)
    decisions = write_executions(change, evaluation.run(tests))
    evaluation.write()
    if evaluation.last < rows[-1].id or len(rows) == METRICS:
        return Evaluated(decisions, more=True, after=evaluation.last)
    return Evaluated(decisions, more=evaluation.more or after > 0)


_Row: TypeAlias = Row[*tuple[Any, ...]]
_Key: TypeAlias = tuple[int, int]
"""An automation and the row of a run."""


class _Evaluation:
    """One transaction's work on rows of `_WAITING`."""

    def __init__(self, change: Change, cache: AutomationCache, rows: Sequence[_Row]) -> None:
        self.change, self.cache, self.rows = change, cache, rows
        self.more = False
        self.last = 0
        """The last row that was evaluated."""
        self._done: list[int] = []
        self._projects = {
            row.project_id: ContainerReference(
                kind=ContainerKind.PROJECT, entity=row.entity, name=row.project
            )
            for row in {row.project_id: row for row in rows}.values()
        }
        watching = ((row, self._watching(row)) for row in rows)
        self._watched = {row.id: found for row, found in watching if found}
        self._unread = list(dict.fromkeys(row.run_id for row in rows if row.id in self._watched))
        self._snapshots: dict[int, RunSnapshot] = {}
        self._length = 0
        """Characters of the configs that were read."""
        self._watches = self._read_watches()
        self._changed: dict[_Key, Watch] = {}
        self._unlisted: list[dict[str, object]] = []
        self._causes: dict[int, str | None] = {}
        self._events: dict[tuple[object, ...], Event] = {}

    def _watching(self, row: _Row) -> Sequence[Revision]:
        return self.cache.index.watching(self._projects[row.project_id], row.name)

    def _read_watches(self) -> dict[_Key, Watch]:
        """Return the states of conditions on these runs.

        No other worker changes them: an automation watches one metric, whose row is locked.
        """
        keys = {
            (revision.automation_id, row.run_id)
            for row in self.rows
            for revision in self._watched.get(row.id, ())
        }
        return read_watches(self.change, keys)

    def run(self, tests: int) -> Generator[Decision]:
        """Evaluate row after row until the tests are used up, or configs have MAX_TEXT."""
        for row in self.rows:
            is_watched = row.id in self._watched
            if is_watched and row.run_id not in self._snapshots:
                if self._length >= MAX_TEXT:
                    break
                self._read_runs()
            revisions = self._passing(row) if is_watched else []
            if revisions and tests <= 0:
                break
            if revisions:
                tests -= yield from self._evaluate(row, revisions, tests)
            else:
                self._done.append(row.id)
            self.last = row.id

    def _read_runs(self) -> None:
        """Read the next runs, in the order of the rows."""
        ids, self._unread = self._unread[:_RUNS_AT_ONCE], self._unread[_RUNS_AT_ONCE:]
        found = read_snapshots(self.change, ids)
        self._snapshots |= found
        self._length += sum(len(run.config_json) for run in found.values())

    def _passing(self, row: _Row) -> list[Revision]:
        """Return the revisions that watch a metric and whose filter holds for its run."""
        events: dict[EventType, Event] = {}
        found = []
        for revision in self._watched[row.id]:
            definition = revision.definition
            if (type_ := definition.event_type) not in events:
                events[type_] = self._event(row, type_)
            if definition.filter.root.holds(events[type_]):
                found.append(revision)
        return found

    def _evaluate(
        self, row: _Row, revisions: Sequence[Revision], tests: int
    ) -> Generator[Decision, None, int]:
        """Evaluate a metric's new values; return how many tests it took."""
        limit = max(1, tests // len(revisions))
        needed = max(_condition(revision).needed for revision in revisions)
        series = self._read(row, needed, limit)
        count = len(series.steps) - series.first
        for revision in revisions:
            key = revision.automation_id, row.run_id
            watch = self._watches.get(key, Watch())
            record = partial(self._record, row, revision, series)
            cause = partial(self._cause, row.run_id)
            endpoints = self.cache.endpoints
            after, decisions, unlisted = decide_crossings(
                revision, watch, series, endpoints, record=record, cause=cause
            )
            yield from decisions
            if unlisted is not None:
                said = {"automation": key[0], "run": key[1], "detail": unlisted}
                self._unlisted.append(said)
            if after[1:] != watch[1:] or (after.held and after.revision_id != watch.revision_id):
                self._changed[key] = after
        if count == limit and series.steps[-1] < row.last_step:
            self.more = True
            run(self.change.connection, _CUT, (series.steps[-1], row.id))
        else:
            self._done.append(row.id)
        return count * len(revisions)

    def _read(self, row: _Row, needed: int, limit: int) -> Series:
        """Return a metric's new values, and as many before as its widest window needs."""
        execute, series = self.change.connection.execute, Series()
        step = -1 if row.evaluated_step is None else row.evaluated_step
        before: Sequence[_Row] = ()
        if step >= 0:
            up_to = {"metric": row.id, "last": step, "limit": needed - 1}
            before = execute(VALUES_UP_TO, up_to).all()
        new = execute(VALUES_AFTER, {"metric": row.id, "after": step, "limit": limit}).all()
        for step, value, at in (*reversed(before), *new):
            series.add(step, value, at)
        series.first = len(before)
        return series

    def _record(self, row: _Row, revision: Revision, series: Series, place: int) -> Event:
        """Write the event of a condition that begins to hold; once for those that are the same."""
        type_, condition = revision.definition.event_type, _condition(revision)
        key = row.id, series.steps[place], type_, condition
        if key not in self._events:
            crossing = series.crossing(condition, place)
            at = series.moments[place]
            event = self._event(row, type_)
            event = replace(event, recorded_at=at, metric=crossing, cause=self._cause(row.run_id))
            event_id = self.change.record_crossing(row.run_id, row.project_id, event)
            self._events[key] = replace(event, id=event_id)
        return self._events[key]

    def _cause(self, run_id: int) -> str | None:
        if run_id not in self._causes:
            found = self.change.connection.execute(_CAUSE, {"run": run_id})
            self._causes[run_id] = found.scalar()
        return self._causes[run_id]

    def _event(self, row: _Row, type_: EventType) -> Event:
        run, container = self._snapshots[row.run_id], self._projects[row.project_id]
        return Event(0, type_, self.change.now, run.user, container, run=run)

    def write(self) -> None:
        """Write states of conditions, and how far metrics were evaluated."""
        if self._unlisted:
            self.change.connection.execute(_UNLISTED, self._unlisted)
        _write_watches(self.change.connection, self._changed)
        if self._done:
            run_with_ids(self.change.connection, _DONE, self._done)


def _condition(revision: Revision) -> AnyMetricCondition:
    condition = revision.definition.metric
    assert condition is not None
    return condition


_WATCH_COLUMNS = ("automation_id", "run_id", "revision_id", "held", "began_at", "skipped")
_REPLACE_WATCH = """
ON CONFLICT (automation_id, run_id) DO UPDATE SET
  revision_id = excluded.revision_id, held = excluded.held,
  began_at = excluded.began_at, skipped = excluded.skipped
"""


def read_watches(reader: Reader, keys: Collection[_Key]) -> dict[_Key, Watch]:
    """Return the states of automations' conditions on runs, by both."""
    if not keys:
        return {}
    query = select(*(run_schema.run_watches.c[name] for name in _WATCH_COLUMNS)).where(
        _watches.automation_id.in_({automation for automation, _ in keys}),
        _watches.run_id.in_({run for _, run in keys}),
    )
    return {
        (automation, run): Watch(*rest)
        for automation, run, *rest in reader.connection.execute(query)
    }


def _write_watches(connection: Connection, watches: Mapping[_Key, Watch]) -> None:
    rows = [
        (*key, watch.revision_id, watch.held, optional_number(watch.began_at), watch.skipped)
        for key, watch in watches.items()
    ]
    insert_rows(connection, run_schema.run_watches, _WATCH_COLUMNS, rows, _REPLACE_WATCH)
