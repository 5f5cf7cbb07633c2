"""Thin the old values of runs' metrics, so that their charts still look the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, TextClause, bindparam, false, select, text

from firetower.core.metrics import MAX_WINDOW
from firetower.store import schema
from firetower.store.changes import Reader
from firetower.store.store import Store
from firetower.store.types import instant_number

NEWEST = 2 * MAX_WINDOW
"""Values of a metric that stay however old they are: the two windows of a change."""
PARTS = 500
"""Parts of a metric's steps of which the least and the greatest value stay."""
_PIECE = 50_000
"""Values that one transaction looks at."""

_metrics, _points, _runs = schema.run_metrics.c, schema.metric_points.c, schema.runs.c
_KEPT_FROM = (
    select(_points.step)
    .where(_points.run_metric_id == bindparam("metric"))
    .order_by(_points.step.desc())
    .limit(1)
    .offset(NEWEST - 1)
)
_RANKED = """
SELECT step FROM (
  SELECT step,
    row_number() OVER (PARTITION BY step / :width ORDER BY value IS NULL, value, step) AS low,
    row_number() OVER (PARTITION BY step / :width ORDER BY value IS NULL, value DESC, step) AS high
  FROM metric_points
  WHERE run_metric_id = :metric AND step >= :first AND step < :last AND at < :before
) AS ranked WHERE low > 1 AND high > 1
"""
_COUNT = text(f"SELECT count(*) FROM ({_RANKED}) AS doomed")  # noqa: S608
_DELETE = text(
    f"DELETE FROM metric_points WHERE run_metric_id = :metric AND step IN ({_RANKED})"  # noqa: S608
)
_TAKE_OFF = text("UPDATE run_metrics SET count = count - :deleted WHERE id = :metric")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some steps of a metric: whole parts of them."""

    metric: int
    width: int
    """Steps of a part."""
    first: int
    last: int

    def run(self, connection: Connection, statement: TextClause, before: datetime) -> int:
        values = {"metric": self.metric, "width": self.width, "first": self.first}
        values |= {"last": self.last, "before": instant_number(before)}
        done = connection.execute(statement, values)
        return int(done.scalar_one()) if done.returns_rows else done.rowcount


def count_old_points(reader: Reader, before: datetime) -> int:
    """Return how many values `thin` would delete."""
    connection = reader.connection
    return sum(piece.run(connection, _COUNT, before) for piece in _pieces(connection, before))


def thin(store: Store, before: datetime) -> Iterator[int]:
    """Delete values from before a moment that a chart does not need; yield how many, by batches.

    Each batch is a transaction of its own. Metrics with values that wait for evaluation stay whole.
    """
    with store.reading() as reader:
        pieces = list(_pieces(reader.connection, before))
    for piece in pieces:
        with store.changing() as change:
            deleted = piece.run(change.connection, _DELETE, before)
            taken = {"deleted": deleted, "metric": piece.metric}
            change.connection.execute(_TAKE_OFF, taken)
        if deleted:
            yield deleted


def _pieces(connection: Connection, before: datetime) -> Iterator[_Piece]:
    query = (
        select(_metrics.id, _metrics.count, _metrics.last_step)
        .join_from(schema.run_metrics, schema.runs, _metrics.run_id == _runs.id)
        .where(
            _runs.started_at < before,
            _metrics.pending == false(),
            _metrics.count > NEWEST + 2 * PARTS,  # else it is thin already
        )
    )
    for metric, count, last_step in connection.execute(query).all():
        end = connection.execute(_KEPT_FROM, {"metric": metric}).scalar_one()
        width = last_step // PARTS + 1
        piece = width * max(1, PARTS * _PIECE // count)
        for first in range(0, end, piece):
            yield _Piece(metric, width, first, min(first + piece, end))
