"""Runs: started, changed and stopped by W&B's SDK, and read."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from pydantic import JsonValue

from firetower.core.errors import InvalidInput, NotFound
from firetower.core.json import clean, dump
from firetower.core.points import SYSTEM
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.run_changes import RunChanges
from firetower.core.runs import RunAlert, RunReference, RunState, check_run_id
from firetower.server.catalog import artifact_node, given_version
from firetower.server.containers import named_project, project_node
from firetower.server.fields import (
    NO_ITEMS,
    Answer,
    Arguments,
    Context,
    Facts,
    Node,
    connection_of,
    make_id,
    moment,
    nodes,
    page,
    read_id,
    select,
)
from firetower.server.files import DROPPED
from firetower.store import lineage, points, run_list
from firetower.store import runs as store
from firetower.store.catalog.lookups import FoundVersion
from firetower.store.runs import FoundRun

_MAX_SAMPLES = 10_000
_MAX_STEPS = 10_000_000
"""Steps of a run that are read at once: more than any has."""
_INTERNAL = "_wandb"
"""The key of what the SDK notes of itself in config and summary; it is not kept."""


def named_run(
    context: Context, given: Arguments, name: str = "runName", project: str = "projectName"
) -> RunReference:
    """Return the run that `entityName`, `projectName` and `runName` name. Raises InvalidInput."""
    container = named_project(context, given, project)
    if container.kind is not ContainerKind.PROJECT:
        raise InvalidInput(f"registry {container} has no runs", "Name a project.")
    return RunReference(project=container, id=check_run_id(given.text(name)))


def run_node(found: FoundRun) -> Node:
    """Return a run."""
    run = found.run
    values = {
        "id": make_id("Run", run.reference),
        "name": run.id,
        "displayName": run.name,
        "projectId": found.project_id,
        "project": project_node(run.reference.project),
        "state": run.state.value,
        "stopped": run.state is RunState.KILLED,
        "config": dump({key: {"value": value} for key, value in run.config.items()}),
        "wandbConfig": dump({"t": {}}),  # what resume="must" looks for
        "tags": list(run.tags),
        "group": run.group or None,
        "jobType": run.job_type or None,
        "notes": run.notes or None,
        "description": run.notes or None,
        "host": run.host,
        "user": {"__typename": "User", "name": run.user, "username": run.user},
        "createdAt": moment(run.started_at),
        "heartbeatAt": moment(run.heartbeat_at),
        "updatedAt": moment(run.heartbeat_at),
        "readOnly": False,
        "logLineCount": 0,
        "fileCount": 0,
        "files": NO_ITEMS,
    }
    return Node("Run", found, values)


def upsert(context: Context, given: Arguments) -> Answer:
    """Start a run, or change one that is there and let it run again."""
    said = _said(given)
    if (text := given.optional_text("id")) is not None and given.optional_text("name") is None:
        reference = RunReference.parse(read_id(text, "Run"))
        store.update_run(context.change, reference, said)
        inserted = False
    else:
        reference = named_run(context, given, "name", "modelName")
        inserted = _start(context, given, reference, said)
    found = store.find_run(context.reader, reference)
    return {"bucket": run_node(found), "inserted": inserted}


def _start(context: Context, given: Arguments, reference: RunReference, said: RunChanges) -> bool:
    """Start a run, or let it run again; return whether it is new."""
    with suppress(NotFound):
        found = store.find_run(context.reader, reference, lock=True)
        # Its script says more before it ends; only a new start names the host, or the run's id.
        is_late = given.get("host") is None and given.get("id") is None
        if found.run.state is RunState.KILLED and is_late:
            store.update_run(context.change, reference, said)
            return False
    # A script that resumes its run names it by its id.
    may_be_resent = given.get("id") is None
    project, id_ = reference.project, reference.id
    started = store.start_run(
        context.change, project, id_, said, resume=True, may_be_resent=may_be_resent
    )
    return started.created


def _said(given: Arguments) -> RunChanges:
    """Return the changes of a run; null changes nothing."""
    config = _object(given, "config")
    if config is not None:
        config = {
            key: value["value"] if isinstance(value, dict) and "value" in value else value
            for key, value in config.items()
        }
    return RunChanges.checked(
        name=given.optional_text("displayName") or None,
        group=given.optional_text("groupName") or None,
        job_type=given.optional_text("jobType") or None,
        host=given.optional_text("host") or None,
        notes=given.optional_text("notes"),
        tags=None if given.get("tags") is None else given.texts("tags"),
        config=config,
        summary=_object(given, "summaryMetrics"),
    )


def _object(given: Arguments, name: str) -> dict[str, JsonValue] | None:
    """Return a JSON object that is given as text, without what the SDK notes of itself."""
    found = given.json_object(name)
    return None if found is None else {key: found[key] for key in found if key != _INTERNAL}


def create_files(context: Context, given: Arguments) -> Answer:
    """Say where the files of a run are sent: they are taken and not kept."""
    reference = named_run(context, given)
    url = context.url(f"{DROPPED}file")
    files = [{"name": name, "uploadUrl": url} for name in given.texts("files")]
    return {"runID": make_id("Run", reference), "uploadHeaders": [], "files": files}


def alert(context: Context, given: Arguments) -> Answer:
    """Record an alert of a run."""
    level = given.optional_text("severity") or "INFO"
    said = RunAlert.checked(given.text("title"), given.optional_text("text") or "", level)
    store.alert_run(context.change, named_run(context, given), said)
    return {"success": True}


def stop(context: Context, given: Arguments) -> Answer:
    """Kill a run: its script is told to stop."""
    reference = RunReference.parse(read_id(given.text("id"), "Run"))
    store.end_run(context.change, reference, RunState.KILLED, None, RunChanges())
    return {"success": True}


def run_of(context: Context, project: ContainerReference, arguments: Arguments) -> Node | None:
    """Return a project's run by its name, or None."""
    try:
        reference = RunReference(project=project, id=check_run_id(arguments.text("name")))
        return run_node(store.find_run(context.reader, reference))
    except (InvalidInput, NotFound):
        return None


def _facts(found: FoundRun) -> Facts:
    run = found.run
    return {
        "name": run.id,
        "display_name": run.name,
        "state": run.state.value,
        "group": run.group,
        "job_type": run.job_type,
        "tags": list(run.tags),
        "config": run.config,
        "summary_metrics": run.summary,
        "user": run.user,
        "username": run.user,
        "notes": run.notes,
        "created_at": moment(run.started_at),
        "heartbeat_at": moment(run.heartbeat_at),
    }


def _filtered(
    context: Context, project: ContainerReference, arguments: Arguments
) -> list[FoundRun]:
    """Return the runs that the filters let through, read once for their number and the page."""
    given = Arguments({"filters": arguments.get("filters")})
    key = "runs", project, given["filters"]
    return context.cached(
        key, lambda: select(store.list_runs(context.reader, project), _facts, given)
    )


def _has_no_filters(arguments: Arguments) -> bool:
    return arguments.optional_text("filters") in {None, "", "{}", "null"}


_BY_START = frozenset({"", "created_at", "createdAt"})


def runs_of(context: Context, project: ContainerReference, arguments: Arguments) -> Answer:
    """Return a project's runs, the newest first."""
    order = arguments.optional_text("order") or "-"
    if not _has_no_filters(arguments) or order.lstrip("+-") not in _BY_START:
        found = _filtered(context, project, arguments)
        return nodes(select(found, _facts, arguments, filters=""), arguments, run_node)
    start, count = page(arguments)
    is_up = not order.startswith("-")
    shown = store.list_runs(context.reader, project, offset=start, limit=count, oldest_first=is_up)
    total = run_list.count_runs(context.reader, project)
    return connection_of(shown, start, total, lambda found: {"node": run_node(found)})


def run_count(context: Context, project: ContainerReference, arguments: Arguments) -> int:
    """Return how many runs the filters let through."""
    if _has_no_filters(arguments):
        return run_list.count_runs(context.reader, project)
    return len(_filtered(context, project, arguments))


def _newest_values(context: Context, found: FoundRun, *, system: bool) -> dict[str, float | None]:
    """Return the newest values of a run's metrics, its own or the machine's."""
    metrics = store.read_metrics(context.reader, found.id)
    return {one.name: one.value for one in metrics if one.name.startswith(SYSTEM) is system}


def summary(context: Context, found: FoundRun, _: Arguments) -> str:
    """Return the newest values of the metrics, and the run's own summary."""
    said = found.run.summary
    newest = _newest_values(context, found, system=False)
    kept = {name: value for name, value in newest.items() if name.partition(".")[0] not in said}
    return dump(clean({**kept, **said}, "the summary"))


def system_metrics(context: Context, found: FoundRun, _: Arguments) -> str:
    """Return the newest values of the machine's metrics."""
    return dump(clean(_newest_values(context, found, system=True), "the metrics"))


def next_line(context: Context, found: FoundRun, *, system: bool = False) -> int:
    """Return the line of the history, or the machine's metrics, at which a resumed run writes."""
    newest = points.last_step(context.reader, found.id, system=system)
    return 0 if newest is None else newest + 1


def tail(context: Context, found: FoundRun, _: Arguments) -> str:
    """Return the last line of the history, of which the SDK reads the step and the time."""
    newest = points.last_step(context.reader, found.id)
    if newest is None:
        return dump([])
    runtime = (found.run.heartbeat_at - found.run.started_at).total_seconds()
    return dump([dump({"_step": newest, "_runtime": runtime})])


def history_keys(context: Context, found: FoundRun, _: Arguments) -> Answer:
    """Return the metrics and the last step."""
    newest = points.last_step(context.reader, found.id)
    keys = {
        one.name: {"typeCounts": [{"type": "number", "count": one.count}]}
        for one in store.read_metrics(context.reader, found.id)
        if not one.name.startswith(SYSTEM)
    }
    return {"lastStep": -1 if newest is None else newest, "keys": keys, "sets": []}


def history(context: Context, found: FoundRun, arguments: Arguments) -> list[str]:
    """Return steps of the history, each as JSON: a range of them, or samples of all."""
    first, before = arguments.optional_number("minStep"), arguments.optional_number("maxStep")
    rows = points.read_history(
        context.reader,
        found.id,
        first_step=first or 0,
        before_step=before,
        limit=_MAX_SAMPLES if before is not None else _MAX_STEPS,
    )
    return _sampled_json(rows, arguments)


def events(context: Context, found: FoundRun, arguments: Arguments) -> list[str]:
    """Return samples of the machine's metrics, each as JSON."""
    rows = points.read_history(context.reader, found.id, system=True, limit=_MAX_STEPS)
    return _sampled_json(rows, arguments)


def _sampled_json(rows: Iterable[dict[str, Any]], arguments: Arguments) -> list[str]:
    return [json.dumps(row) for row in _sampled(list(rows), arguments.optional_number("samples"))]


def sampled_history(context: Context, found: FoundRun, arguments: Arguments) -> list[Any]:
    """Return samples of the steps that have all of some metrics, for each of several specs."""
    answers = []
    for text in arguments.texts("specs"):
        spec = Arguments(Arguments({"spec": text}).json_object("spec") or {})
        names, last = spec.texts("keys"), spec.optional_number("maxStep")
        rows = points.read_history(
            context.reader,
            found.id,
            first_step=spec.optional_number("minStep") or 0,
            before_step=None if last is None else last + 1,
            limit=_MAX_STEPS,
            names=names,
        )
        whole = [row for row in rows if all(name in row for name in names)]
        chosen = _sampled(whole, spec.optional_number("samples"))
        answers.append([{name: row[name] for name in names} for row in chosen])
    return answers


def _sampled(rows: list[dict[str, Any]], count: int | None) -> list[dict[str, Any]]:
    """Return at most so many rows, evenly chosen, the first and the last among them."""
    most = max(2, min(count or 500, _MAX_SAMPLES))
    if len(rows) <= most:
        return rows
    return [rows[number * (len(rows) - 1) // (most - 1)] for number in range(most)]


def parquet_history(context: Context, found: FoundRun, _: Arguments) -> Answer:
    """Return where the history begins: none is kept as Parquet, all is read in pages."""
    first = points.first_step(context.reader, found.id)
    return {"parquetUrls": [], "liveData": [] if first is None else [{"_step": first}]}


def artifacts_of(context: Context, found: FoundRun, arguments: Arguments, *, used: bool) -> Answer:
    """Return the artifacts that a run used, or those that it logged."""
    rows = lineage.versions_of(context.reader, found.id, used=used)
    return nodes(rows, arguments, lambda row: artifact_node(context, row))


def users_of(context: Context, found: FoundVersion, arguments: Arguments) -> Answer:
    """Return the runs that used an artifact."""
    runs = lineage.runs_of(context.reader, found.version_id, used=True)
    return nodes(runs, arguments, lambda one: run_node(store.find_run(context.reader, one)))


def maker_of(context: Context, found: FoundVersion, _: Arguments) -> Node | None:
    """Return the first run that logged an artifact, or None."""
    runs = lineage.runs_of(context.reader, found.version_id, used=False)
    return run_node(store.find_run(context.reader, runs[0])) if runs else None


def use_artifact(context: Context, given: Arguments) -> Answer:
    """Note that a run uses an artifact."""
    version = given_version(context, given)
    run = store.find_run(context.reader, named_run(context, given))
    lineage.link_artifact(context.change, run.id, version.version_id, used=True)
    return {"artifact": artifact_node(context, version.version_id)}
