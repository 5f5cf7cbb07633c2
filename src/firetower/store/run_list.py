"""Reading lists of runs, with the metrics that matter there."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Select, func, select

from firetower.core.automations import Automation
from firetower.core.points import SYSTEM
from firetower.core.references import ContainerReference
from firetower.core.runs import RunLine, RunList, RunState
from firetower.store import run_schema, schema
from firetower.store.automations import list_automations
from firetower.store.catalog.lookups import (
    find_container,
    is_covered_by,
    select_containers_in,
    select_covering,
)
from firetower.store.changes import Reader
from firetower.store.columns import bounded_limit
from firetower.store.curves import read_sparks

METRICS = 3
"""Metrics of a list."""
_RECENT = 40
"""Runs whose metrics are counted."""

_containers, _revisions = schema.containers.c, schema.revisions.c
_runs, _metrics = run_schema.runs.c, run_schema.run_metrics.c
_IN = run_schema.runs.join(schema.containers, _runs.project_id == _containers.id)
_LINES = select(
    _runs.id,
    _containers.entity,
    _containers.name.label("project"),
    _runs.run_id,
    _runs.name,
    _runs.author,
    _runs.state,
    _runs.started_at,
    _runs.ended_at,
).select_from(_IN)


def _newest(container: ContainerReference, limit: int | None) -> Select[int]:
    query = select(_runs.id).select_from(_IN).where(is_covered_by(container))
    if limit is None:
        return query
    return query.order_by(_runs.started_at.desc(), _runs.id.desc()).limit(bounded_limit(limit))


def read_run_list(
    reader: Reader,
    container: ContainerReference,
    *,
    limit: int | None = None,
    chosen: Sequence[str] = (),
) -> RunList:
    """Return the newest runs of a project, an entity or the organization.

    Their metrics are those that automations watch, then the `chosen` ones, then the most common.
    Raises NotFound for the container.
    """
    names = _metrics_of(reader, container, chosen)
    ids = _newest(container, limit)
    values: dict[int, dict[str, float]] = {}
    of_runs = select(_metrics.run_id, _metrics.name, _metrics.last_value)
    for run, name, value in reader.connection.execute(
        of_runs.where(_metrics.run_id.in_(ids), _metrics.name.in_(names))
    ):
        values.setdefault(run, {})[name] = math.nan if value is None else value
    nothing: Mapping[str, float] = {}
    query = _LINES.where(_runs.id.in_(ids)).order_by(_runs.started_at.desc(), _runs.id.desc())
    lines: list[RunLine] = []
    for row in reader.connection.execute(query):
        number, entity, project, run_id, name, user, state, started_at, ended_at = row
        found = values.get(number, nothing)
        lines.append(
            RunLine(
                number,
                f"{entity}/{project}/{run_id}",
                f"{entity}/{project}",
                name,
                user,
                RunState(state),
                started_at,
                ended_at,
                tuple(map(found.get, names)),
            )
        )
    return RunList(lines, count_runs(reader, container), names)


def count_runs(reader: Reader, container: ContainerReference) -> int:
    """Return how many runs a project has, or what covers several. Raises NotFound for it."""
    find_container(reader, container)
    count = select(func.count()).select_from(_IN).where(is_covered_by(container))
    return reader.connection.execute(count).scalar_one()


def sparks(reader: Reader, rows: Sequence[int], metric: str, length: int) -> dict[int, list[float]]:
    """Return values of a metric at equal distances, by the runs' rows."""
    query = select(_metrics.id, _metrics.run_id, _metrics.last_step).where(
        _metrics.run_id.in_(rows), _metrics.name == metric
    )
    found = reader.connection.execute(query).all()
    values = read_sparks(reader.connection, {row.id: row.last_step for row in found}, length)
    return {row.run_id: values.get(row.id, []) for row in found}


def list_metric_names(
    reader: Reader, container: ContainerReference, *, system: bool = True
) -> list[str]:
    """Return the metrics of the newest runs, the most common first. Raises NotFound."""
    find_container(reader, container)
    query = select(_metrics.name).where(_metrics.run_id.in_(_newest(container, _RECENT)))
    counts = Counter(reader.connection.execute(query).scalars())
    names = sorted(counts, key=lambda name: (name.startswith(SYSTEM), -counts[name], name))
    return [name for name in names if system or not name.startswith(SYSTEM)]


def list_watching(reader: Reader, container: ContainerReference) -> list[Automation]:
    """Return the automations that watch a metric of the runs in a container, by name."""
    inside = select_containers_in(container)
    watching = select(_revisions.automation_id).where(
        _revisions.until_event_id.is_(None),
        _revisions.container_id.in_(select_covering(inside)),
        _revisions.definition.like('%"event_type":"RUN_METRIC%'),
    )
    found = list_automations(reader, among=watching)
    return [one for one in found if one.definition.metric is not None]


def _metrics_of(
    reader: Reader, container: ContainerReference, chosen: Sequence[str]
) -> tuple[str, ...]:
    watched = Counter(
        one.definition.metric.metric
        for one in list_watching(reader, container)
        if one.definition.metric is not None
    )
    common = list_metric_names(reader, container, system=False)
    most_watched = [name for name, _ in watched.most_common()]
    return tuple(dict.fromkeys([*chosen, *most_watched, *common]))[:METRICS]
