"""Reading what became of runs for an automation on a metric."""

from datetime import datetime

from sqlalchemy import bindparam, select

from firetower.core.automations import Automation
from firetower.core.crossings import Series, Watch
from firetower.core.explanation import Clock
from firetower.core.run_explanation import RunFinding, RunSubject, explain_run
from firetower.core.runs import Run
from firetower.store import schema
from firetower.store.changes import Reader
from firetower.store.queue.crossings import read_watches
from firetower.store.runs import list_active_runs
from firetower.store.types import EPOCH

NEWEST = 200
"""Runs that are looked at."""

_metrics, _points = schema.run_metrics.c, schema.metric_points.c
_METRIC = select(_metrics.id, _metrics.count.label("points"), _metrics.pending).where(
    _metrics.run_id == bindparam("run"), _metrics.name == bindparam("name")
)
_NEWEST = (
    select(_points.step, _points.value, _points.at)
    .where(_points.run_metric_id == bindparam("metric"))
    .order_by(_points.step.desc())
    .limit(bindparam("limit"))
)
_NAMES = select(_metrics.name).where(_metrics.run_id == bindparam("run"))


def explain_runs(
    reader: Reader, automation: Automation, since: datetime | None, clock: Clock
) -> list[RunFinding]:
    """Return what became of the newest runs in the scope of an automation on a metric."""
    container = automation.definition.scope.container
    runs = list_active_runs(reader, container, since or EPOCH, NEWEST)
    watches = read_watches(reader.connection, {(automation.id, number) for number, _ in runs})
    found = []
    for number, run in runs:
        watch = watches.get((automation.id, number), Watch())
        subject = _subject(reader, automation, number, run, watch)
        found.append(explain_run(automation, subject, reader.now, clock))
    return found


def _subject(
    reader: Reader, automation: Automation, number: int, run: Run, watch: Watch
) -> RunSubject:
    condition, execute = automation.definition.metric, reader.connection.execute
    assert condition is not None
    metric = execute(_METRIC, {"run": number, "name": condition.metric}).first()
    if metric is None:
        names = execute(_NAMES, {"run": number}).scalars().all()
        return RunSubject(run.snapshot, names, None, 0, pending=False, watch=watch)
    series = Series()
    for step, value, at in reversed(
        execute(_NEWEST, {"metric": metric.id, "limit": condition.needed}).all()
    ):
        series.add(step, value, at)
    return RunSubject(run.snapshot, (), series, metric.points, pending=metric.pending, watch=watch)
