"""The values of runs' metrics: written in batches, read in the order of their steps."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter
from typing import TypeAlias

from pydantic import JsonValue
from sqlalchemy import Connection, bindparam, func, select, update

from firetower.core.errors import NotFound
from firetower.core.points import SYSTEM, Point
from firetower.core.runs import RunReference, as_json_number
from firetower.core.text import shell_word, suggest, visible
from firetower.store import run_schema
from firetower.store.changes import Change, Reader, is_postgresql
from firetower.store.columns import bounded_limit, instant_number
from firetower.store.driver import Values, run_with_rows
from firetower.store.runs import FoundRun, find_run

_runs, _metrics = run_schema.runs.c, run_schema.run_metrics.c
_points = run_schema.metric_points.c
_METRICS = select(_metrics.id, _metrics.name, _metrics.last_step).where(
    _metrics.run_id == bindparam("run")
)
_NAMED_METRICS = _METRICS.where(_metrics.name.in_(bindparam("names", expanding=True)))
_VALUES = select(_points.step, _points.value, _points.at).where(
    _points.run_metric_id == bindparam("metric")
)
VALUES_AFTER = (
    _VALUES.where(_points.step > bindparam("after"))
    .order_by(_points.step)
    .limit(bindparam("limit"))
)
"""A metric's values after a step, by step."""
VALUES_UP_TO = (
    _VALUES.where(_points.step <= bindparam("last"))
    .order_by(_points.step.desc())
    .limit(bindparam("limit"))
)
"""A metric's values up to a step, the last one first."""
_MAX_NAMED = 500
"""Metrics that are looked for by name: of more, all of the run are read."""
_KEEP_STEP = (
    update(run_schema.runs)
    .where(_runs.id == bindparam("row"), func.coalesce(_runs.last_step, -1) < bindparam("step"))
    .values(last_step=bindparam("step"))
)
_INTO = "INSERT INTO metric_points (run_metric_id, step, value, at)"
_SELECT = "SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::double precision[], %b::bigint[])"
_UPSERT = "ON CONFLICT (run_metric_id, step) DO UPDATE SET value = excluded.value, at = excluded.at"
_BIGINT, _DOUBLE = "CAST(? AS bigint)", "CAST(? AS double precision)"
_ADD_METRICS = """
INSERT INTO run_metrics (run_id, name, last_step, last_at, count, pending)
VALUES {rows} RETURNING id, name
"""
_EXISTING = """
SELECT run_metric_id, step, value FROM (VALUES {rows}) AS new
JOIN metric_points ON run_metric_id = new.column1 AND step = new.column2
"""
_UPDATE = """
UPDATE run_metrics SET
  last_step = CASE WHEN new.column2 < last_step THEN last_step ELSE new.column2 END,
  last_value = CASE WHEN new.column2 < last_step THEN last_value ELSE new.column3 END,
  last_at = CASE WHEN new.column2 < last_step THEN last_at ELSE new.column4 END,
  count = count + new.column5, pending = true
FROM (VALUES {rows}) AS new WHERE run_metrics.id = new.column1
"""

Written: TypeAlias = tuple[float | None, int]
"""A value and its moment as the database keeps them."""


@dataclass(slots=True)
class _Metric:
    """A metric of a run, and the last value of each step to write."""

    steps: dict[int, Written] = field(default_factory=dict)
    id: int = 0
    last_step: int = -1
    existing: int = 0
    """How many of the steps have another value already."""


def write_points(
    change: Change, run: FoundRun, points: Iterable[tuple[str, int, float, datetime | None]]
) -> int:
    """Write points, or tuples like them, of a run; return how many are new or changed.

    The run is one that this change has locked. Of a step's values the last one stays; the same
    value again is no change.
    """
    metrics = _grouped(points, instant_number(change.now))
    if not metrics:
        return 0
    connection = change.connection
    _find_metrics(connection, run.id, metrics)
    _leave_out_equal(connection, metrics.values())
    rows: list[Values] = []
    updates: list[Values] = []
    largest = -1
    for name, metric in metrics.items():
        if steps := metric.steps:
            number, newest = metric.id, max(steps)
            if not name.startswith(SYSTEM):
                largest = max(largest, newest)
            rows += [(number, step, value, at) for step, (value, at) in steps.items()]
            updates.append((number, newest, *steps[newest], len(steps) - metric.existing))
    if not rows:
        return 0
    _insert(connection, rows)
    run_with_rows(connection, _UPDATE, [_BIGINT, _BIGINT, _DOUBLE, _BIGINT, _BIGINT], updates)
    if largest >= 0:
        connection.execute(_KEEP_STEP, {"row": run.id, "step": largest})
    return len(rows)


def _grouped(
    points: Iterable[tuple[str, int, float, datetime | None]], now: int
) -> dict[str, _Metric]:
    metrics: dict[str, _Metric] = {}
    steps: dict[int, Written] = {}
    last_name, last_at, at_number = None, None, now
    is_nan = math.isnan
    for name, step, value, at in points:  # the loop of a million points
        if name is not last_name:
            metric = metrics.get(name)
            if metric is None:
                metric = metrics[name] = _Metric()
            steps, last_name = metric.steps, name
        if at is not last_at:
            last_at, at_number = at, now if at is None else instant_number(at)
        steps[step] = (None if is_nan(value) else value, at_number)
    return metrics


def _find_metrics(connection: Connection, run_row: int, metrics: Mapping[str, _Metric]) -> None:
    """Fill in the numbers and last steps of a run's metrics, made where they are new."""
    if len(metrics) <= _MAX_NAMED:
        found = connection.execute(_NAMED_METRICS, {"run": run_row, "names": list(metrics)})
    else:
        found = connection.execute(_METRICS, {"run": run_row})
    for number, name, last_step in found:
        if (metric := metrics.get(name)) is not None:
            metric.id, metric.last_step = number, last_step
    new = [(run_row, name, -1, 0, 0) for name, one in metrics.items() if not one.id]
    if new:
        value = ["?", "?", "?", "?", "?", "false"]
        for number, name in run_with_rows(connection, _ADD_METRICS, value, new):
            metrics[name].id = number


def _leave_out_equal(connection: Connection, metrics: Iterable[_Metric]) -> None:
    """Leave out points that are there with the same value, and count those with another one."""
    repeating = {one.id: one for one in metrics if min(one.steps) <= one.last_step}
    keys: list[Values] = [
        (number, step)
        for number, metric in repeating.items()
        for step in metric.steps
        if step <= metric.last_step
    ]
    existing = run_with_rows(connection, _EXISTING, [_BIGINT, _BIGINT], keys)
    for number, step, value in existing:
        metric = repeating[number]
        if metric.steps[step][0] == value:
            del metric.steps[step]
        else:
            metric.existing += 1


def _insert(connection: Connection, rows: list[Values]) -> None:
    # A statement with a place for each value takes the drivers longer to read than to run.
    if is_postgresql(connection):
        columns = tuple(map(list, zip(*rows, strict=True)))
        connection.exec_driver_sql(f"{_INTO} {_SELECT} {_UPSERT}", columns)
    else:
        connection.exec_driver_sql(f"{_INTO} VALUES (?, ?, ?, ?) {_UPSERT}", rows)


def read_points(
    reader: Reader,
    reference: RunReference,
    metric: str,
    *,
    after_step: int | None = None,
    limit: int | None = None,
) -> list[Point]:
    """Return the points of a metric by step: the first after a step, or without one the newest.

    Raises NotFound for the run and the metric.
    """
    connection, run = reader.connection, find_run(reader, reference).id
    named = select(_metrics.id).where(_metrics.run_id == run, _metrics.name == metric)
    number = connection.execute(named).scalar()
    if number is None:
        names = connection.execute(select(_metrics.name).where(_metrics.run_id == run))
        where = visible(str(reference))
        raise NotFound(
            f"run {where} has no metric {visible(metric)}",
            suggest(
                metric,
                names.scalars(),
                f"List them with `firetower run show {shell_word(str(reference))}`.",
            ),
        )
    query = _VALUES
    if after_step is not None:
        query = query.where(_points.step > after_step)
    is_newest = after_step is None and limit is not None
    query = query.order_by(_points.step.desc() if is_newest else _points.step)
    if limit is not None:
        query = query.limit(bounded_limit(limit))
    found = [
        Point(metric, step, math.nan if value is None else value, at)
        for step, value, at in connection.execute(query, {"metric": number})
    ]
    return found[::-1] if is_newest else found


_IS_SYSTEM = func.substr(_metrics.name, 1, len(SYSTEM)) == SYSTEM


def read_history(
    reader: Reader,
    run_row: int,
    *,
    system: bool = False,
    first_step: int = 0,
    before_step: int | None = None,
    limit: int,
    names: Collection[str] | None = None,
) -> Iterator[dict[str, JsonValue]]:
    """Yield the values of each step in order, by metric, with `_step` and `_timestamp`.

    `limit` bounds the steps. Values that JSON does not have are text: "NaN", "Infinity".
    """
    query = (
        select(_metrics.name, _points.step, _points.value, _points.at)
        .join_from(
            run_schema.metric_points, run_schema.run_metrics, _points.run_metric_id == _metrics.id
        )
        .where(_metrics.run_id == run_row, _points.step >= first_step)
        .where(_IS_SYSTEM if system else ~_IS_SYSTEM)
        .order_by(_points.step, _metrics.name)
    )
    if before_step is not None:
        query = query.where(_points.step < before_step)
    if names is not None:
        query = query.where(_metrics.name.in_(names))
    for step, points in islice(
        groupby(reader.connection.execute(query), attrgetter("step")), limit
    ):
        row: dict[str, JsonValue] = {"_step": step}
        for name, _, value, at in points:
            row.setdefault("_timestamp", at.timestamp())
            is_plain = value is not None and math.isfinite(value)
            row[name] = value if is_plain else as_json_number(math.nan if value is None else value)
        yield row


def first_step(reader: Reader, run_row: int) -> int | None:
    """Return the smallest step of a run's history, None where there is none."""
    smallest = select(func.min(_points.step)).where(_points.run_metric_id == _metrics.id)
    query = select(func.min(smallest.scalar_subquery())).where(
        _metrics.run_id == run_row, ~_IS_SYSTEM
    )
    return reader.connection.execute(query).scalar()


def last_step(reader: Reader, run_row: int, *, system: bool = False) -> int | None:
    """Return the largest step of a run's history, None where there is none."""
    query = select(func.max(_metrics.last_step)).where(
        _metrics.run_id == run_row, _IS_SYSTEM if system else ~_IS_SYSTEM
    )
    return reader.connection.execute(query).scalar()
