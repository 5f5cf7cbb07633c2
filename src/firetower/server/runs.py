"""Runs: started, changed and stopped by W&B's SDK, and read."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import JsonValue

from firetower.core.actions import Severity
from firetower.core.errors import InvalidInput, NotFound
from firetower.core.json import clean, dump, parse
from firetower.core.points import SYSTEM
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.runs import (
    Run,
    RunAlert,
    RunChanges,
    RunReference,
    RunState,
    check_run_id,
)
from firetower.server.actions import member
from firetower.server.containers import named_project, project_node
from firetower.server.fields import (
    NO_ITEMS,
    Arguments,
    Context,
    Json,
    Node,
    connection,
    connection_of,
    make_id,
    moment,
    page,
    read_id,
    resolves,
)
from firetower.server.selection import Facts, select
from firetower.server.storage import DROPPED
from firetower.store.points import first_step, last_step, read_history
from firetower.store.run_list import count_runs
from firetower.store.runs import (
    FoundRun,
    alert_run,
    end_run,
    find_run,
    list_runs,
    read_metrics,
    start_run,
    update_run,
)

_MAX_SAMPLES = 10_000
_MOST_STEPS = 10_000_000
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
        "commit": None,
        "sweepName": None,
        "logLineCount": 0,
        "fileCount": 0,
        "files": NO_ITEMS,
    }
    return Node("Run", found, values)


@resolves("Mutation", "upsertBucket")
def upsert(context: Context, _source: None, arguments: Arguments) -> dict[str, Any]:
    """Start a run, or change one that is there and let it run again."""
    given = arguments.object("input")
    said = _said(given)
    if (text := given.optional_text("id")) is not None and given.optional_text("name") is None:
        reference = RunReference.parse(read_id(text, "Run"))
        update_run(context.change, reference, said)
        inserted = False
    else:
        reference = named_run(context, given, "name", "modelName")
        inserted = _start(context, given, reference, said)
    found = find_run(context.change.connection, reference)
    return {"bucket": run_node(found), "inserted": inserted}


def _start(context: Context, given: Arguments, reference: RunReference, said: RunChanges) -> bool:
    """Start a run, or let it run again; return whether it is new."""
    with suppress(NotFound):
        found = find_run(context.change.connection, reference, lock=True)
        # Its script says more before it ends; only a new start names the host, or the run's id.
        is_late = given.get("host") is None and given.get("id") is None
        if found.run.state is RunState.KILLED and is_late:
            update_run(context.change, reference, said)
            return False
    # A script that resumes its run names it by its id.
    may_be_resent = given.get("id") is None
    change, project = context.change, reference.project
    started = start_run(
        change, project, reference.id, said, resume=True, may_be_resent=may_be_resent
    )
    return started.created


def _said(given: Arguments) -> RunChanges:
    """Return what is said of a run; null says nothing."""
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


def _object(given: Arguments, name: str) -> Mapping[str, JsonValue] | None:
    """Return a JSON object that is given as text, without what the SDK notes of itself."""
    text = given.optional_text(name)
    found = None if text is None else parse(text, name)
    if found is not None and not isinstance(found, dict):
        raise InvalidInput(f"{name} is no object", "Give a JSON object.")
    return None if found is None else {key: found[key] for key in found if key != _INTERNAL}


@resolves("Mutation", "createRunFiles")
def create_files(context: Context, _source: None, arguments: Arguments) -> dict[str, Any]:
    """Say where the files of a run are sent: they are taken and not kept."""
    given = arguments.object("input")
    reference = named_run(context, given)
    url = context.origin + context.settings.sign(f"{DROPPED}file")
    files = [{"name": name, "uploadUrl": url} for name in given.texts("files")]
    return {"runID": make_id("Run", reference), "uploadHeaders": [], "files": files}


@resolves("Mutation", "notifyScriptableRunAlert")
def alert(context: Context, _source: None, arguments: Arguments) -> dict[str, Any]:
    """Record an alert of a run."""
    given = arguments.object("input")
    severity = given.optional_text("severity") or Severity.INFO.value
    said = RunAlert(
        title=given.text("title"),
        text=given.optional_text("text") or "",
        severity=member(Severity, severity, "severity"),
    )
    alert_run(context.change, named_run(context, given), said)
    return {"success": True}


@resolves("Mutation", "stopRun")
def stop(context: Context, _source: None, arguments: Arguments) -> dict[str, Any]:
    """Kill a run: its script is told to stop."""
    reference = RunReference.parse(read_id(arguments.object("input").text("id"), "Run"))
    end_run(context.change, reference, RunState.KILLED, None, RunChanges())
    return {"success": True}


@resolves("Mutation", "deleteRun")
def delete(_context: Context, _source: None, _arguments: Arguments) -> None:
    """Refuse: events and versions name their runs."""
    raise InvalidInput(
        "a run cannot be deleted", "Values of old ones go with `firetower database prune`."
    )


@resolves("Project", "run", "bucket")
def run_of(context: Context, project: ContainerReference, arguments: Arguments) -> Node | None:
    """Return a project's run by its name, or None."""
    if project.kind is not ContainerKind.PROJECT:
        return None
    try:
        reference = RunReference(project=project, id=check_run_id(arguments.text("name")))
        return run_node(find_run(context.reader.connection, reference))
    except (InvalidInput, NotFound):
        return None


def _facts(run: Run) -> Facts:
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


def _filtered(context: Context, project: ContainerReference, arguments: Arguments) -> list[Run]:
    """Return the runs that the filters let through, read once for their number and the page."""
    given = {"filters": arguments.get("filters")}
    key = "runs", project, given["filters"]
    if key not in context.cache:
        context.cache[key] = select(list_runs(context.reader, project), _facts, Arguments(given))
    found: list[Run] = context.cache[key]
    return found


def _has_no_filters(arguments: Arguments) -> bool:
    return arguments.optional_text("filters") in {None, "", "{}", "null"}


_BY_START = frozenset({"", "created_at", "createdAt"})


@resolves("Project", "runs")
def runs_of(context: Context, project: ContainerReference, arguments: Arguments) -> dict[str, Any]:
    """Return a project's runs, the newest first."""

    def edge(run: Run) -> dict[str, object]:
        return {"node": run_node(find_run(context.reader.connection, run.reference))}

    order = arguments.optional_text("order") or "-"
    if not _has_no_filters(arguments) or order.lstrip("+-") not in _BY_START:
        found = _filtered(context, project, arguments)
        return connection(select(found, _facts, arguments, filters=""), arguments, edge)
    start, count = page(arguments)
    shown = list_runs(
        context.reader,
        project,
        offset=start,
        limit=count,
        oldest_first=not order.startswith("-"),
    )
    return connection_of(shown, start, count_runs(context.reader, project), edge)


@resolves("Project", "runCount")
def run_count(context: Context, project: ContainerReference, arguments: Arguments) -> int:
    """Return how many runs the filters let through."""
    if _has_no_filters(arguments):
        return count_runs(context.reader, project)
    return len(_filtered(context, project, arguments))


@resolves("Run", "summaryMetrics")
def summary(context: Context, found: FoundRun, _arguments: Arguments) -> str:
    """Return the newest values of the metrics, and what was said at the end."""
    said = found.run.summary
    newest = {
        one.name: one.value
        for one in read_metrics(context.reader.connection, found.id)
        if not one.name.startswith(SYSTEM) and one.name.partition(".")[0] not in said
    }
    return dump(clean({**newest, **said}, "the summary"))


@resolves("Run", "systemMetrics")
def system_metrics(context: Context, found: FoundRun, _arguments: Arguments) -> str:
    """Return the newest values of the machine's metrics."""
    newest = {one.name: one.value for one in read_metrics(context.reader.connection, found.id)}
    kept = {name: value for name, value in newest.items() if name.startswith(SYSTEM)}
    return dump(clean(kept, "the metrics"))


@resolves("Run", "historyLineCount")
def history_lines(context: Context, found: FoundRun, _arguments: Arguments) -> int:
    """Return the line of the history at which a resumed run writes."""
    newest = last_step(context.reader.connection, found.id)
    return 0 if newest is None else newest + 1


@resolves("Run", "eventsLineCount")
def event_lines(context: Context, found: FoundRun, _arguments: Arguments) -> int:
    """Return the line of the machine's metrics at which a resumed run writes."""
    newest = last_step(context.reader.connection, found.id, system=True)
    return 0 if newest is None else newest + 1


@resolves("Run", "historyTail", "eventsTail")
def tail(context: Context, found: FoundRun, _arguments: Arguments) -> str:
    """Return the last line of the history, of which the SDK reads the step and the time."""
    newest = last_step(context.reader.connection, found.id)
    if newest is None:
        return dump([])
    runtime = (found.run.heartbeat_at - found.run.started_at).total_seconds()
    return dump([dump({"_step": newest, "_runtime": runtime})])


@resolves("Run", "historyKeys")
def history_keys(context: Context, found: FoundRun, _arguments: Arguments) -> dict[str, Any]:
    """Return the metrics and the last step."""
    newest = last_step(context.reader.connection, found.id)
    keys = {
        one.name: {"typeCounts": [{"type": "number", "count": one.count}]}
        for one in read_metrics(context.reader.connection, found.id)
        if not one.name.startswith(SYSTEM)
    }
    return {"lastStep": -1 if newest is None else newest, "keys": keys, "sets": []}


@resolves("Run", "history")
def history(context: Context, found: FoundRun, arguments: Arguments) -> list[str]:
    """Return steps of the history, each as JSON: a range of them, or samples of all."""
    first, before = arguments.optional_number("minStep"), arguments.optional_number("maxStep")
    rows = read_history(
        context.reader.connection,
        found.id,
        first_step=first or 0,
        before_step=before,
        limit=_MAX_SAMPLES if before is not None else _MOST_STEPS,
    )
    return [json.dumps(row) for row in _sampled(list(rows), arguments.optional_number("samples"))]


@resolves("Run", "events")
def events(context: Context, found: FoundRun, arguments: Arguments) -> list[str]:
    """Return samples of the machine's metrics, each as JSON."""
    rows = read_history(context.reader.connection, found.id, system=True, limit=_MOST_STEPS)
    return [json.dumps(row) for row in _sampled(list(rows), arguments.optional_number("samples"))]


@resolves("Run", "sampledHistory")
def sampled_history(context: Context, found: FoundRun, arguments: Arguments) -> list[Any]:
    """Return samples of the steps that have all of some metrics, for each of several specs."""
    answers = []
    for text in arguments.texts("specs"):
        spec = Arguments({"spec": parse(text, "the spec")}).object("spec")
        names, last = spec.texts("keys"), spec.optional_number("maxStep")
        rows = read_history(
            context.reader.connection,
            found.id,
            first_step=spec.optional_number("minStep") or 0,
            before_step=None if last is None else last + 1,
            limit=_MOST_STEPS,
            names=names,
        )
        whole = [row for row in rows if all(name in row for name in names)]
        chosen = _sampled(whole, spec.optional_number("samples"))
        answers.append(Json([{name: row[name] for name in names} for row in chosen]))
    return answers


def _sampled(rows: list[dict[str, Any]], count: int | None) -> list[dict[str, Any]]:
    """Return at most so many rows, evenly chosen, the first and the last among them."""
    most = max(2, min(count or 500, _MAX_SAMPLES))
    if len(rows) <= most:
        return rows
    return [rows[number * (len(rows) - 1) // (most - 1)] for number in range(most)]


@resolves("Run", "parquetHistory")
def parquet_history(context: Context, found: FoundRun, _arguments: Arguments) -> dict[str, Any]:
    """Return where the history begins: none is kept as Parquet, all is read in pages."""
    first = first_step(context.reader.connection, found.id)
    return {"parquetUrls": [], "liveData": Json([] if first is None else [{"_step": first}])}
