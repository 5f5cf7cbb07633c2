"""`firetower run`."""

import os
from collections.abc import Sequence
from typing import Any

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import choice_option, json_option, limit_option, option_group
from firetower.cli.output import date, print_fields, print_json, print_rows, say
from firetower.core.errors import InvalidInput
from firetower.core.json import in_range
from firetower.core.metadata import metadata_of
from firetower.core.points import Point, check_step, flatten
from firetower.core.references import ContainerReference
from firetower.core.runs import LEVELS, Run, RunDetail, RunState, as_json_number
from firetower.core.text import instant, quoted, shortened
from firetower.settings import RUN

_project = click.argument("project", metavar="ENTITY/PROJECT")
_run = click.argument("run", metavar="RUN")
_description = option_group(
    click.option("--id", metavar="ID", help="Its id; generated unless given."),
    click.option("--resume", is_flag=True, help="Resume the run of this id, if there is one."),
    click.option("--name", metavar="N", help="Name for people; the id unless given."),
    click.option(
        "--config",
        multiple=True,
        metavar="JSON|@FILE|KEY=VALUE",
        callback=lambda _ctx, _option, values: metadata_of(values, "config") or None,
        help="Configuration of the run.",
    ),
    click.option("--tag", "tags", multiple=True, metavar="T", help="Tag of the run."),
    click.option("--group", metavar="G", help="Group that the run belongs to."),
    click.option("--job-type", metavar="TYPE", help="Type of job: train, eval, …"),
    click.option("--notes", metavar="TEXT", help="Note for people."),
)


def _described(said: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that start a run. Raises UsageError."""
    if said["resume"] and said["id"] is None:
        raise click.UsageError("--resume belongs to --id.")
    return {**said, "tags": said["tags"] or None}


@click.group()
def run() -> None:
    """Run a command as a run of a project, or log a run step by step.

    Examples:
      firetower run exec acme/vision -- python train.py
      firetower run list acme/vision
    """


@run.command()
@_project
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...", type=click.UNPROCESSED)
@_description
@click.option(
    "--metrics-from",
    metavar="FILE|FD",
    help="Log lines of JSON that the command writes to a file, or to the descriptor of a number.",
)
@click.option("--system", is_flag=True, help="Log CPU, memory and GPUs every 15 seconds.")
@click.option(
    "--quiet", "-q", is_flag=True, help="Print only problems beside what the command prints."
)
def exec(  # noqa: A001 - the word of the command line
    *,
    project: str,
    command: tuple[str, ...],
    metrics_from: str | None,
    system: bool,
    quiet: bool,
    **said: Any,
) -> int:
    """Run a command as a run; its exit code decides the state, and is returned.

    Signals are passed on, its output is left as it is. FIRETOWER_RUN is set for it: a script that
    calls `tower.run`, and `firetower run log`, join this run. Ended by Ctrl-C it is killed, by any
    other signal failed; stopped in the app, or by `run finish --killed`, it gets SIGTERM. With
    --metrics-from each line is a JSON object such as {"loss": 0.3, "step": 12}. With --system the
    metrics are system.cpu (percent of one core) and system.memory (MiB) of the command and its
    children, system.memory_percent, and of each GPU of the machine system.gpu.0.utilization,
    .memory_percent, .temperature and .power.

    Examples:
      firetower run exec acme/vision --name resnet -- python train.py --lr 0.1
      firetower run exec acme/vision --system --metrics-from 3 -- sh -c './train 3>&3'
    """
    from firetower.cli.log_stream import drop_unread
    from firetower.cli.run_exec import MetricLines, execute

    lines = None if metrics_from is None else MetricLines.open(metrics_from)
    drop_unread()  # else nobody would stop the command, or end its run
    described = _described(said)
    progress = (lambda _: None) if quiet else say
    with open_tower() as tower:
        return execute(
            tower, project, command, described, lines, system=system, say=say, progress=progress
        )


@run.command()
@_project
@_description
@json_option
def start(*, project: str, as_json: bool, **said: Any) -> None:
    """Start a run, and print its reference.

    Log to it at least every few minutes, if only a heartbeat: after 5 minutes without, it counts
    as crashed.

    Examples:
      RUN=$(firetower run start acme/vision --name resnet --config lr=0.1)
      firetower run start acme/vision --id x3k9ab2c --resume
    """
    described = _described(said)
    with open_tower() as tower:
        started = tower.runs.start(project, host=os.uname().nodename, **described)
    if as_json:
        print_json(started.as_data())
    else:
        click.echo(str(started))


@run.command()
@click.argument("words", nargs=-1, metavar="[RUN] [KEY=VALUE]...")
@click.option("--step", type=str, metavar="N", help="Step; by default the one after the largest.")
@json_option
def log(*, words: tuple[str, ...], step: str | None, as_json: bool) -> None:
    """Log one value of each metric of a run; without any, send a heartbeat.

    RUN may be left out where FIRETOWER_RUN names it, as inside `run exec`. A value is a number,
    nan or inf; JSON objects are taken too, nested names joined with dots.

    Examples:
      firetower run log acme/vision/x3k9ab2c loss=0.31 val.acc=0.9 --step 12
      firetower run log '{"loss": 0.31, "val": {"acc": 0.9}}'
    """
    target, pairs = _target(words)
    metrics = flatten(_metrics(pairs))
    # What is no number is refused by its check.
    number: Any = int(step) if step is not None and step.lstrip("-").isdecimal() else step
    number = None if number is None else check_step(number)
    with open_tower() as tower:
        if metrics:
            number = tower.runs.log_metrics(target, metrics, number)
        else:
            tower.runs.heartbeat(target)
    if as_json:
        print_json({"run": target, "step": number, "metrics": len(metrics)})


@run.command()
@click.argument("words", nargs=-1, required=True, metavar="[RUN] TITLE")
@click.option("--text", default="", metavar="TEXT", show_default=False, help="More about it.")
@click.option(
    "--level",
    type=click.Choice(LEVELS, case_sensitive=False),
    default="INFO",
    help="Level of the alert.",
)
def alert(*, words: tuple[str, ...], text: str, level: str) -> None:
    """Record an alert of a run: it fires automations on RUN_ALERT.

    RUN may be left out where FIRETOWER_RUN names it, as inside `run exec`.

    Examples:
      firetower run alert acme/vision/x3k9ab2c "the loss is NaN" --level error
      firetower run alert "epoch 12 is done" --text "val.acc is 0.9"
    """
    *before, title = words
    if len(before) > 1:
        raise click.UsageError("Put the title in quotes.")
    target = before[0] if before else _environment_run()
    with open_tower() as tower:
        tower.runs.alert(target, title, text, level=level)
    say(f"{target}: recorded the alert.")


@run.command()
@_run
@click.option("--exit-code", type=int, metavar="N", help="Failed unless it is 0.")
@click.option("--killed", is_flag=True, help="It was ended on purpose: no automation fires.")
@json_option
def finish(*, run: str, exit_code: int | None, killed: bool, as_json: bool) -> None:
    """End a run: finished, failed where the exit code is not 0, or killed.

    Examples:
      firetower run finish acme/vision/x3k9ab2c
      firetower run finish acme/vision/x3k9ab2c --exit-code $?
    """
    state = RunState.KILLED if killed else None
    with open_tower() as tower:
        ended = tower.runs.finish(run, exit_code=exit_code, state=state)
    if as_json:
        print_json(ended.as_data())
    else:
        say(f"{ended} {ended.state.phrase}.")


@run.command("list")
@click.argument("container", metavar="ENTITY[/PROJECT]")
@choice_option("--state", RunState, help="Only runs in this state.")
@limit_option
@json_option
def list_(*, container: str, state: RunState | None, limit: int, as_json: bool) -> None:
    """List the runs of a project or an entity, the newest first.

    Examples:
      firetower run list acme/vision
      firetower run list acme --state failed --json
    """
    is_project = "/" in container
    parse = ContainerReference.project if is_project else ContainerReference.entity_named
    with open_tower() as tower:
        found = tower.runs.list(parse(container), state=state, limit=limit)
    if as_json:
        print_json(*(one.as_data() for one in found))
        return
    print_rows(
        ("run", "name", "state", "user", "started", "duration", "steps"),
        [
            (one, one.name, one.state, one.user, date(one.started_at), _duration(one), _steps(one))
            for one in found
        ],
        f"No run is {state}." if state else "No runs yet: start one with `firetower run exec`.",
    )


@run.command()
@_run
@click.option("--metric", metavar="NAME", help="Print the values of this metric, by step.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000_000),
    metavar="N",
    help="With --metric: print at most this many, the newest.",
)
@json_option
def show(*, run: str, metric: str | None, limit: int | None, as_json: bool) -> None:
    """Show a run with its metrics and artifacts, or the values of one metric.

    Examples:
      firetower run show acme/vision/x3k9ab2c
      firetower run show acme/vision/x3k9ab2c --metric loss --json
    """
    if limit is not None and metric is None:
        raise click.UsageError("--limit belongs to --metric.")
    with open_tower() as tower:
        if metric is not None:
            _print_points(tower.runs.points(run, metric, limit=limit), as_json=as_json)
            return
        detail = tower.runs.get(run)
    if as_json:
        print_json(detail.as_data())
    else:
        _print_detail(detail)


def _print_detail(detail: RunDetail) -> None:
    one = detail.run
    print_fields(
        [
            ("run", str(one)),
            ("name", one.name),
            ("state", one.state),
            ("exit code", one.exit_code),
            ("user", one.user),
            ("host", one.host),
            ("started", date(one.started_at)),
            ("duration", _duration(one)),
            ("tags", ", ".join(one.tags)),
            ("group", one.group),
            ("job type", one.job_type),
            ("notes", one.notes),
            *((f"config {key}", _value(value)) for key, value in one.config.items()),
            *((f"summary {key}", _value(value)) for key, value in one.summary.items()),
            ("logged", ", ".join(detail.logged)),
            ("used", ", ".join(detail.used)),
        ]
    )
    if detail.metrics:
        click.echo()
        print_rows(
            ("metric", "newest", "step", "values"),
            [(m.name, f"{m.value:.6g}", m.step, m.count) for m in detail.metrics],
            "",
        )


def _print_points(points: Sequence[Point], *, as_json: bool) -> None:
    if as_json:
        for point in points:
            at = None if point.at is None else instant(point.at)
            print_json({"step": point.step, "value": as_json_number(point.value), "at": at})
        return
    print_rows(
        ("step", "value", "at"),
        [(point.step, f"{point.value:.6g}", date(point.at)) for point in points],
        "No values yet.",
    )


def _target(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the run and the rest: the environment's where the first word is a value."""
    if words and "=" not in words[0] and not words[0].startswith("{"):
        return words[0], words[1:]
    return _environment_run(), words


def _environment_run() -> str:
    from firetower.run_api import environment_run

    run = environment_run()
    if run is None:
        raise InvalidInput(
            "no run is named", f"Give ENTITY/PROJECT/ID before the rest, or set {RUN}."
        )
    return str(run)


def _metrics(pairs: tuple[str, ...]) -> dict[str, object]:
    found: dict[str, object] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        try:
            is_object = pair.startswith("{")
            given = metadata_of([pair], "metric") if is_object else {name: _number(text)}
        except ValueError:
            raise InvalidInput(
                f"{quoted(shortened(pair, 40))} is not a metric with a number",
                "Write NAME=NUMBER: loss=0.31, or a JSON object.",
            ) from None
        if twice := found.keys() & given.keys():
            raise InvalidInput(f"metric {quoted(min(twice))} is given twice", "Give it once.")
        found |= given
    return found


def _number(text: str) -> float:
    """Return a number, `nan` or `inf`. Raises ValueError, InvalidInput for one out of range."""
    return float(text) if text.strip(" +-")[:1].isalpha() else in_range("the metric", text)


def _duration(run: Run) -> str:
    from datetime import UTC, datetime

    seconds = int(run.duration(datetime.now(UTC)).total_seconds())
    hours, rest = divmod(seconds, 3_600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def _steps(run: Run) -> str:
    return "" if run.last_step is None else f"{run.next_step:,}"


def _value(value: object) -> str:
    return shortened(value if isinstance(value, str) else quoted(value), 200)
