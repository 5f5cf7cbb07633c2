"""Reading a metric's values thinned in SQL, so that a million of them open like a hundred."""

import sys
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, select, text

from firetower.core.curves import Curve, part_width, ranges_of
from firetower.core.runs import RunReference
from firetower.store import run_schema
from firetower.store.changes import Reader
from firetower.store.driver import run_with_rows
from firetower.store.runs import find_run

QUICK = 20_000
"""Values that are all read at once; of more, first a sketch."""
_SKETCH = 128
"""Values of a sketch, at equal distances."""
_FINITE = sys.float_info.max

_metrics, _points = run_schema.run_metrics.c, run_schema.metric_points.c
_METRICS = select(_metrics.id, _metrics.name, _metrics.count, _metrics.last_step).where(
    _metrics.run_id == bindparam("run"), _metrics.name.in_(bindparam("names", expanding=True))
)
_FIRST = select(func.min(_points.step)).where(_points.run_metric_id == bindparam("metric"))
_RANGES = text("""
SELECT (step - :first) / :width AS part, min(value) AS low, max(value) AS high
FROM metric_points WHERE run_metric_id = :metric AND step >= :since
AND value BETWEEN -:finite AND :finite GROUP BY part ORDER BY part
""")
_SAMPLE = """
SELECT run_metric_id, step, value FROM (VALUES {rows}) AS place
JOIN metric_points ON run_metric_id = place.column1 AND step = (
  SELECT min(step) FROM metric_points
  WHERE run_metric_id = place.column1 AND step >= place.column2
)
ORDER BY run_metric_id, place.column2
"""


def read_curves(
    reader: Reader,
    reference: RunReference,
    names: Sequence[str],
    known: Mapping[str, Curve] | None = None,
    *,
    quick: bool = False,
) -> dict[str, Curve]:
    """Return the curves of a run's metrics, by name; one that was never logged has none.

    Of a metric with many values only those after its `known` curve are read; `quick` sketches one
    that has none. Raises NotFound for the run.
    """
    run = find_run(reader, reference)
    found = reader.connection.execute(_METRICS, {"run": run.id, "names": list(names)}).all()
    known = known or {}
    return {
        name: _curve(reader.connection, number, count, last, known.get(name), quick=quick)
        for number, name, count, last in found
    }


def _curve(
    connection: Connection, metric: int, count: int, last: int, known: Curve | None, *, quick: bool
) -> Curve:
    first: int | None = connection.execute(_FIRST, {"metric": metric}).scalar()
    if first is None:  # all of its values are gone
        return Curve()
    width = part_width(first, last)
    values = {"metric": metric, "first": first, "width": width, "finite": _FINITE}
    if known is not None and (known.first != first or known.last > last):
        known = None
    if count > QUICK and (known is None or not known.is_exact) and quick:
        apart = max(1, (last - first) // _SKETCH)
        places = [(metric, first + place * apart) for place in range(_SKETCH)]
        sample = _sample(connection, places)
        ranges = ranges_of(((step - first) // width, value) for _, step, value in sample)
        return Curve(first, last, count, ranges, is_exact=False)
    ranges, since = {}, first
    if count > QUICK and known is not None and known.is_exact:
        ranges = known.widened(width)
        since += (known.last - first) // width * width
    new = connection.execute(_RANGES, {**values, "since": since})
    ranges |= {part: (low, high) for part, low, high in new}
    return Curve(first, last, count, ranges)


def read_sparks(
    connection: Connection, metrics: Mapping[int, int], length: int
) -> dict[int, list[float]]:
    """Return values at `length` equal distances, given the last steps of metrics by their rows."""
    places = [
        (number, last * place // max(1, length - 1))
        for number, last in metrics.items()
        for place in range(length if last >= length else last + 1)
    ]
    found: dict[int, list[float]] = {}
    for metric, _, value in _sample(connection, places):
        found.setdefault(metric, []).append(value)
    return found


def _sample(
    connection: Connection, places: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, float]]:
    """Yield metric, step and value of the first point at or after each place, a metric and a step.

    Values that are not finite are left out.
    """
    number = "CAST(? AS bigint)"
    for metric, step, value in run_with_rows(connection, _SAMPLE, [number, number], places):
        if value is not None and -_FINITE <= value <= _FINITE:
            yield metric, step, value
