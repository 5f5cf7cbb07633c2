"""A run's history: the values of its metrics by step."""

import math
from collections.abc import Collection, Iterator

from pydantic import JsonValue
from sqlalchemy import Connection, func, select

from firetower.core.points import SYSTEM
from firetower.core.runs import as_json_number
from firetower.store import run_schema
from firetower.store.types import bounded

_metrics, _points = run_schema.run_metrics.c, run_schema.metric_points.c
_IS_SYSTEM = func.substr(_metrics.name, 1, len(SYSTEM)) == SYSTEM


def read_history(
    connection: Connection,
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
            run_schema.metric_points,
            run_schema.run_metrics,
            _points.run_metric_id == _metrics.id,
        )
        .where(_metrics.run_id == run_row, _points.step >= bounded(first_step))
        .where(_IS_SYSTEM if system else ~_IS_SYSTEM)
        .order_by(_points.step, _metrics.name)
    )
    if before_step is not None:
        query = query.where(_points.step < bounded(before_step))
    if names is not None:
        query = query.where(_metrics.name.in_(names))
    row: dict[str, JsonValue] = {}
    count = 0
    for name, step, value, at in connection.execute(query):
        if not row or row["_step"] != step:
            if row:
                yield row
            count += 1
            if count > limit:
                return
            row = {"_step": step, "_timestamp": at.timestamp()}
        is_plain = value is not None and math.isfinite(value)
        row[name] = value if is_plain else as_json_number(math.nan if value is None else value)
    if row:
        yield row


def first_step(connection: Connection, run_row: int) -> int | None:
    """Return the smallest step of a run's history, None where there is none."""
    smallest = select(func.min(_points.step)).where(_points.run_metric_id == _metrics.id)
    query = select(func.min(smallest.scalar_subquery())).where(
        _metrics.run_id == run_row, ~_IS_SYSTEM
    )
    return connection.execute(query).scalar()


def last_step(connection: Connection, run_row: int, *, system: bool = False) -> int | None:
    """Return the largest step of a run's history, None where there is none."""
    query = select(func.max(_metrics.last_step)).where(
        _metrics.run_id == run_row, _IS_SYSTEM if system else ~_IS_SYSTEM
    )
    return connection.execute(query).scalar()
