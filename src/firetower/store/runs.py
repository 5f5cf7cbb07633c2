"""Runs: start, change and end them; each change of their state records its event."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, select, text, update

from firetower.core.errors import Conflict, InvalidInput, NotFound
from firetower.core.events import EventType
from firetower.core.json import dump, parse_object
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.run_changes import RunChanges
from firetower.core.runs import (
    MetricSummary,
    Run,
    RunAlert,
    RunDetail,
    RunReference,
    RunSnapshot,
    RunState,
    StartedRun,
    new_run_id,
)
from firetower.core.text import instant, quoted, shell_word, shortened, suggest, visible
from firetower.store import catalog_schema, run_schema
from firetower.store.catalog.containers import ensure_container
from firetower.store.catalog.lookups import find_container, is_covered_by
from firetower.store.changes import Change, Reader
from firetower.store.columns import bounded_limit, instant_number
from firetower.store.driver import Prepared
from firetower.store.lineage import artifacts_of

_containers = catalog_schema.containers.c
_runs, _metrics = run_schema.runs.c, run_schema.run_metrics.c
_artifacts, _versions = run_schema.run_artifacts.c, catalog_schema.versions.c
_RUNS = select(run_schema.runs, _containers.entity, _containers.name.label("project")).join_from(
    run_schema.runs, catalog_schema.containers, _runs.project_id == _containers.id
)
# Built once: building it takes longer than the look-up.
_ONE = _RUNS.where(
    _containers.kind == ContainerKind.PROJECT.value,
    _containers.entity == bindparam("entity"),
    _containers.name == bindparam("project"),
    _runs.run_id == bindparam("run"),
)
_OF_ID = _RUNS.where(_runs.id == bindparam("row"))
_ONE_LOCKED = _ONE.with_for_update(of=run_schema.runs, key_share=True)
_OF_ROW = update(run_schema.runs).where(_runs.id == bindparam("row"))
_HEARTBEAT = _OF_ROW.values(heartbeat_at=bindparam("now"))
_CRASHED_AT_ONCE = 200
"""Runs of which one transaction decides that they have crashed."""
_OVERDUE = Prepared(
    select(_runs.id)
    .where(text("state = 'running'"), _runs.heartbeat_at < bindparam("before"))
    .order_by(_runs.heartbeat_at)
    .limit(_CRASHED_AT_ONCE)
    .with_for_update(skip_locked=True, key_share=True)
)


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run, with its row's number and its project's."""

    id: int
    project_id: int
    run: Run


def start_run(
    change: Change,
    project: ContainerReference,
    run_id: str | None,
    said: RunChanges,
    *,
    resume: bool = False,
    may_be_resent: bool = False,
) -> StartedRun:
    """Start a run, in a project made if it is new.

    Where there is a run of this id, it is resumed if `resume` says so. One that `may_be_resent`
    after its end, as `wandb sync` sends a folder twice, has no event before `note_values`.
    Raises Conflict.
    """
    ensure_container(change, project)
    reference = RunReference(project=project, id=run_id or new_run_id())
    run = said.applied_to(
        Run(
            reference=reference,
            name=reference.id,
            user=change.author,
            state=RunState.RUNNING,
            config={},
            summary={},
            started_at=change.now,
            heartbeat_at=change.now,
        )
    )
    # Not looked for first: another process may start it at the same moment.
    if _insert(change, run):
        return StartedRun(**dict(run), created=True)
    if not resume:
        raise Conflict(
            f"there is a run {visible(str(reference))} already",
            "Resume it (resume=True, --resume), or choose another id.",
        )
    found = find_run(change, reference, lock=True)
    _resume(change, found, said, may_be_resent=may_be_resent)
    return StartedRun(**dict(_read(change, found.id).run), created=False)


def _resume(change: Change, found: FoundRun, said: RunChanges, *, may_be_resent: bool) -> None:
    changed = said.applied_to(found.run)
    if may_be_resent and found.run.ended_at is not None and found.run.reported is not None:
        code = 0 if found.run.reported is RunState.FINISHED else found.run.exit_code or 1
        running = {"state": RunState.RUNNING.value, "heartbeat_at": change.now, "exit_code": code}
        _write(change, found, changed, **running)
    else:
        _set_state(change, found, changed, RunState.RUNNING)


def note_values(change: Change, found: FoundRun, newest: datetime) -> None:
    """Record that a run, found with a lock, is running again, if its values are newer than all."""
    if found.run.may_be_resent:
        query = select(func.max(_metrics.last_at)).where(_metrics.run_id == found.id)
        before = change.connection.execute(query).scalar()
        if before is None or newest > before:
            _set_state(change, found, found.run, RunState.RUNNING)


def _insert(change: Change, run: Run) -> bool:
    """Write a new run and its event; return False where there is one of its id."""
    project_id = find_container(change, run.reference.project)
    key = change.insert_if_new(
        run_schema.runs,
        project_id=project_id,
        run_id=run.id,
        **_columns(run),
        started_at=run.started_at,
        heartbeat_at=run.heartbeat_at,
    )
    if key is not None:
        change.record_run(EventType.RUN_STATE, key[0], project_id, run.snapshot)
    return key is not None


def update_run(change: Change, reference: RunReference, said: RunChanges) -> Run:
    """Change the fields of a run in any state. Raises NotFound."""
    found = find_run(change, reference, lock=True)
    _write(change, found, said.applied_to(found.run))
    return _read(change, found.id).run


def alert_run(change: Change, reference: RunReference, alert: RunAlert) -> None:
    """Record an alert of a run, and keep it in its summary as the newest. Raises NotFound."""
    found = find_run(change, reference, lock=True)
    said = {**alert.model_dump(), "at": instant(change.now)}
    _write(change, found, RunChanges(summary={"alert": said}).applied_to(found.run))
    snapshot = replace(found.run.snapshot, alert=alert)
    change.record_run(EventType.RUN_ALERT, found.id, found.project_id, snapshot)


def touch_run(change: Change, reference: RunReference) -> FoundRun:
    """Record a heartbeat and return the run, locked for this change.

    One that was taken for crashed is running again. Raises NotFound, and Conflict for a run that
    has ended.
    """
    found = find_run(change, reference, lock=True)
    if found.run.state is RunState.RUNNING:
        change.connection.execute(_HEARTBEAT, {"row": found.id, "now": change.now})
        return found
    if found.run.state is not RunState.CRASHED:
        project = shell_word(str(reference.project))
        raise Conflict(
            f"run {visible(str(reference))} has ended: it is {found.run.state}",
            f"Resume it: firetower run start {project} --id {reference.id} --resume",
        )
    _set_state(change, found, found.run, RunState.RUNNING)
    return found


def end_run(
    change: Change,
    reference: RunReference,
    state: RunState,
    exit_code: int | None,
    said: RunChanges,
) -> Run:
    """End a run; ending it again in the same way changes nothing.

    Raises NotFound, InvalidInput for an exit code beyond 32 bits, and Conflict for a run that has
    ended in another way; a crash is none.
    """
    if not -(2**31) <= (exit_code or 0) < 2**31:
        shown = shortened(quoted(exit_code), 40)
        raise InvalidInput(f"exit code {shown} is out of range", "Give a number of 32 bits.")
    found = find_run(change, reference, lock=True)
    ended, codes = found.run.state, {exit_code, found.run.exit_code} - {None}
    if ended not in {RunState.RUNNING, RunState.CRASHED} and (ended is not state or len(codes) > 1):
        code = "" if found.run.exit_code is None else f", exit code {found.run.exit_code}"
        raise Conflict(
            f"run {visible(str(reference))} has ended already: it is {ended}{code}",
            "A run ends once; resume it to end it in another way.",
        )
    _set_state(change, found, said.applied_to(found.run), state, exit_code)
    return _read(change, found.id).run


def crash_overdue(change: Change, timeout: timedelta) -> list[RunReference]:
    """Let runs that have sent no heartbeat for so long be crashed; return them."""
    crashed = []
    for row in _OVERDUE.rows(change.connection, before=instant_number(change.now - timeout)):
        found = _read(change, row.id)  # one at a time: a summary may have 16 MiB
        state = found.run.reported if found.run.may_be_resent else None
        _set_state(change, found, found.run, state or RunState.CRASHED)
        crashed.append(found.run.reference)
    return crashed


def _set_state(
    change: Change, found: FoundRun, run: Run, state: RunState, exit_code: int | None = None
) -> None:
    """Write a run with a new state, and the event of that if it is one."""
    was = found.run.reported if found.run.may_be_resent else found.run.state
    run = run.model_copy(update={"state": state})
    times: dict[str, object] = {}
    if state is RunState.RUNNING:
        times = {"heartbeat_at": change.now, "ended_at": None, "exit_code": None}
    elif state is not was:
        # A crashed run ended when it was last heard of.
        ended_at = run.heartbeat_at if state is RunState.CRASHED else change.now
        times = {"ended_at": ended_at, "exit_code": exit_code}
    elif exit_code is not None:
        times = {"exit_code": exit_code}
    _write(change, found, run, **times)
    if state.reported not in {None, found.run.reported}:  # a crash was a failure already
        change.record_run(EventType.RUN_STATE, found.id, found.project_id, run.snapshot)


def _write(change: Change, found: FoundRun, run: Run, **more: object) -> None:
    before, after = _columns(found.run), _columns(run)
    changed = {name: value for name, value in after.items() if value != before[name]} | more
    if changed:
        query = update(run_schema.runs).where(_runs.id == found.id).values(**changed)
        change.connection.execute(query)


def _columns(run: Run) -> dict[str, object]:
    return {
        "name": run.name,
        "author": run.user,
        "state": run.state.value,
        "group_name": run.group,
        "job_type": run.job_type,
        "notes": run.notes,
        "host": run.host,
        "tags_json": dump(list(run.tags)),
        "config_json": dump(run.config),
        "summary_json": dump(run.summary),
    }


def _read(reader: Reader, row_id: int) -> FoundRun:
    return _found(reader.connection.execute(_OF_ID, {"row": row_id}).one())


def find_run(reader: Reader, reference: RunReference, *, lock: bool = False) -> FoundRun:
    """Return a run; `lock` keeps other changes of it waiting. Raises NotFound."""
    project = reference.project
    key = {"entity": project.entity, "project": project.name, "run": reference.id}
    row = reader.connection.execute(_ONE_LOCKED if lock else _ONE, key).first()
    if row is not None:
        return _found(row)
    newest = select(_runs.run_id).where(_runs.project_id == find_container(reader, project))
    ids = reader.connection.execute(newest.order_by(_runs.started_at.desc()).limit(100)).scalars()
    where = visible(str(project))
    raise NotFound(
        f"project {where} has no run {visible(reference.id)}",
        suggest(
            reference.id, ids, f"List them with `firetower run list {shell_word(str(project))}`."
        ),
    )


def _reference(row: Row[*tuple[Any, ...]]) -> RunReference:
    project = ContainerReference(kind=ContainerKind.PROJECT, entity=row.entity, name=row.project)
    return RunReference(project=project, id=row.run_id)


def _found(row: Row[Any]) -> FoundRun:
    run = Run(
        reference=_reference(row),
        name=row.name,
        user=row.author,
        state=RunState(row.state),
        group=row.group_name,
        job_type=row.job_type,
        notes=row.notes,
        host=row.host,
        tags=tuple(json.loads(row.tags_json)),
        config=parse_object(row.config_json),
        summary=parse_object(row.summary_json),
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        ended_at=row.ended_at,
        exit_code=row.exit_code,
        last_step=row.last_step,
    )
    return FoundRun(row.id, row.project_id, run)


def list_runs(
    reader: Reader,
    container: ContainerReference,
    *,
    state: RunState | None = None,
    since: datetime | None = None,
    limit: int | None = None,
    offset: int = 0,
    oldest_first: bool = False,
) -> list[FoundRun]:
    """Return the runs of a project, an entity or the organization, the newest first.

    They are narrowed to those in a state, or alive `since` a moment; `offset` of them are left out.
    Raises NotFound for the container.
    """
    find_container(reader, container)
    query: Select[Any] = _RUNS.where(is_covered_by(container))
    if state is not None:
        query = query.where(_runs.state == state.value)
    if since is not None:
        query = query.where(_runs.heartbeat_at >= since)
    order = (_runs.started_at, _runs.id)
    query = query.order_by(*(order if oldest_first else (one.desc() for one in order)))
    if limit is not None:
        query = query.limit(bounded_limit(limit))
    return [_found(row) for row in reader.connection.execute(query.offset(bounded_limit(offset)))]


_SNAPSHOTS = _RUNS.with_only_columns(
    *(_runs.id, _runs.run_id, _runs.name, _runs.author, _runs.state, _runs.group_name),
    *(_runs.job_type, _runs.tags_json, _runs.config_json),
    *(_containers.entity, _containers.name.label("project")),
    maintain_column_froms=True,
).where(_runs.id.in_(bindparam("ids", expanding=True)))


def read_snapshots(reader: Reader, ids: Collection[int]) -> dict[int, RunSnapshot]:
    """Return runs as their events record them, by their rows' numbers."""
    return {
        row.id: RunSnapshot(
            reference=_reference(row),
            name=row.name,
            user=row.author,
            state=RunState(row.state),
            group=row.group_name,
            job_type=row.job_type,
            tags=tuple(json.loads(row.tags_json)),
            config_json=row.config_json,
        )
        for row in reader.connection.execute(_SNAPSHOTS, {"ids": list(ids)})
    }


def show_run(reader: Reader, reference: RunReference) -> RunDetail:
    """Return a run with its metrics and artifacts. Raises NotFound."""
    found = find_run(reader, reference)
    metrics = tuple(read_metrics(reader, found.id))
    logged, used = (artifacts_of(reader, found.id, used=used) for used in (False, True))
    return RunDetail(run=found.run, metrics=metrics, logged=logged, used=used)


def read_metrics(reader: Reader, run_row: int) -> list[MetricSummary]:
    """Return the metrics of a run's row by name."""
    query = select(run_schema.run_metrics).where(_metrics.run_id == run_row)
    return [
        MetricSummary(
            name=row.name,
            step=row.last_step,
            value=float("nan") if row.last_value is None else row.last_value,
            count=row.count,
            at=row.last_at,
        )
        for row in reader.connection.execute(query.order_by(_metrics.name))
    ]
