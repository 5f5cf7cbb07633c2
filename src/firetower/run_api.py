"""The Python API of runs, in its own module: most commands need no runs and do not import it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from firetower.core.arguments import iterate
from firetower.core.catalog import Version
from firetower.core.errors import InvalidInput
from firetower.core.points import MAX_STEP, Point, check_metric_name, check_step, flatten
from firetower.core.references import ContainerReference, VersionReference, text_of
from firetower.core.run_changes import RunChanges
from firetower.core.runs import (
    MetricSummary,
    Run,
    RunAlert,
    RunDetail,
    RunReference,
    RunState,
    StartedRun,
    check_run_id,
)
from firetower.core.text import quoted, shortened
from firetower.settings import RUN, read_settings
from firetower.store import points as point_store
from firetower.store import runs as store
from firetower.store.catalog.lookups import find_version
from firetower.store.lineage import link_artifact
from firetower.store.store import Transactions

if TYPE_CHECKING:
    from firetower.core.automations import Automation
    from firetower.core.curves import Curve
    from firetower.core.runs import RunList


AnyRun: TypeAlias = Run | RunReference | str


class Runs(Transactions):
    """The runs of a database. Those that name one raise NotFound.

    A run is given as what `start` returned, or as its reference: `acme/vision/x3k9ab2c`.
    """

    def start(
        self,
        project: str,
        *,
        id: str | None = None,
        resume: bool = False,
        name: str | None = None,
        user: str | None = None,
        group: str | None = None,
        job_type: str | None = None,
        notes: str | None = None,
        host: str | None = None,
        tags: Iterable[str] | None = None,
        config: Mapping[str, object] | None = None,
    ) -> StartedRun:
        """Start a run in a project, `entity/name`, made if it is new.

        The id is generated unless given. With `resume` a run of that id is resumed: given fields
        replace its own, keys of the config are added. `user` is the author of changes unless given.
        Raises Conflict for an id that is taken.
        """
        reference = ContainerReference.project(project)
        run_id = None if id is None else check_run_id(id)
        said = RunChanges.checked(
            name=name,
            user=user,
            group=group,
            job_type=job_type,
            notes=notes,
            host=host,
            tags=tags,
            config=config,
        )
        return self._change(store.start_run, reference, run_id, said, resume=resume)

    def update(
        self,
        run: AnyRun,
        *,
        name: str | None = None,
        group: str | None = None,
        job_type: str | None = None,
        notes: str | None = None,
        host: str | None = None,
        tags: Iterable[str] | None = None,
        config: Mapping[str, object] | None = None,
        summary: Mapping[str, object] | None = None,
    ) -> Run:
        """Change a run's fields; keys of config and summary are added to those there are."""
        said = RunChanges.checked(
            name=name,
            group=group,
            job_type=job_type,
            notes=notes,
            host=host,
            tags=tags,
            config=config,
            summary=summary,
        )
        return self._change(store.update_run, _run(run), said)

    def log(
        self,
        run: AnyRun,
        points: Iterable[Point] = (),
        *,
        summary: Mapping[str, object] | None = None,
    ) -> int:
        """Write values of metrics; return how many are new or changed. It is a heartbeat too.

        Steps may come in any order; of several values of a step the last one stays. Raises
        Conflict for a run that has ended, InvalidInput for a name or step that cannot be one.
        """
        reference, checked = _run(run), _checked(points)
        said = RunChanges.checked(summary=summary)
        with self._store.changing() as change:
            found = store.touch_run(change, reference)
            if summary is not None:
                store.update_run(change, reference, said)
            return point_store.write_points(change, found, checked)

    def write(
        self, run: RunReference, points: Iterable[tuple[str, int, float, datetime | None]]
    ) -> int:
        """Write values whose names and steps were checked, as `log` does."""
        with self._store.changing() as change:
            return point_store.write_points(change, store.touch_run(change, run), points)

    def log_metrics(
        self, run: AnyRun, metrics: Mapping[str, object], step: int | None = None
    ) -> int:
        """Write one value of each metric at a step, by default the next one; return the step.

        Names of nested objects are joined with dots. Raises as `log` does.
        """
        reference, values = _run(run), flatten(metrics)
        at_step = None if step is None else check_step(step)
        with self._store.changing() as change:
            found = store.touch_run(change, reference)
            if at_step is None:
                at_step = check_step(found.run.next_step)
            points = [Point(name, at_step, value) for name, value in values.items()]
            point_store.write_points(change, found, points)
        return at_step

    def heartbeat(self, run: AnyRun) -> None:
        """Say that a run is alive. Raises Conflict for a run that has ended."""
        self._change(store.touch_run, _run(run))

    def alert(self, run: AnyRun, title: str, text: str = "", *, level: str = "INFO") -> None:
        """Record an alert of a run, which fires automations on RUN_ALERT.

        The level is INFO, WARN or ERROR. Raises InvalidInput beyond 10,000 characters.
        """
        self._change(store.alert_run, _run(run), RunAlert.checked(title, text, level))

    def finish(
        self,
        run: AnyRun,
        *,
        exit_code: int | None = None,
        state: RunState | None = None,
        summary: Mapping[str, object] | None = None,
    ) -> Run:
        """End a run: finished, or failed where the exit code is not 0, or as `state` says.

        Ending it again in the same way changes nothing. Raises Conflict for one that has ended in
        another way, or with another exit code.
        """
        if state is RunState.RUNNING:
            raise InvalidInput("a run cannot end running", "Give finished, failed or killed.")
        ended = state or (RunState.FAILED if exit_code else RunState.FINISHED)
        said = RunChanges.checked(summary=summary)
        return self._change(store.end_run, _run(run), ended, exit_code, said)

    def list(
        self,
        container: str | ContainerReference,
        *,
        state: RunState | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """Return the runs of a project, or of what covers several, the newest first."""
        if isinstance(container, str):
            container = ContainerReference.project(container)
        found = self._read(store.list_runs, container, state=state, limit=limit)
        return [one.run for one in found]

    def get(self, run: AnyRun) -> RunDetail:
        """Return a run with its metrics and artifacts."""
        return self._read(store.show_run, _run(run))

    def state(self, run: AnyRun) -> RunState:
        """Return the state of a run."""
        with self._store.reading() as reader:
            return store.find_run(reader, _run(run)).run.state

    def metrics(self, run: AnyRun) -> Sequence[MetricSummary]:
        """Return the metrics of a run by name."""
        return self.get(run).metrics

    def points(
        self,
        run: AnyRun,
        metric: str,
        *,
        after_step: int | None = None,
        limit: int | None = None,
    ) -> Sequence[Point]:
        """Return points of a metric by step: all, the first after a step, or the newest."""
        read = point_store.read_points
        return self._read(read, _run(run), metric, after_step=after_step, limit=limit)

    def listing(
        self,
        container: ContainerReference,
        *,
        limit: int | None = None,
        metrics: Sequence[str] = (),
    ) -> "RunList":
        """Return the newest runs as a list shows them, with the newest values of a few metrics.

        Those are `metrics`, then what automations watch, then the most common.
        """
        from firetower.store.run_list import read_run_list

        return self._read(read_run_list, container, limit=limit, chosen=metrics)

    def count(self, container: ContainerReference) -> int:
        """Return how many runs a project has, or what covers several."""
        from firetower.store.run_list import count_runs

        return self._read(count_runs, container)

    def sparks(
        self, rows: Sequence[int], metric: str, length: int
    ) -> Mapping[int, Sequence[float]]:
        """Return values of a metric at equal distances, by the rows of a listing."""
        from firetower.store.run_list import sparks

        return self._read(sparks, rows, metric, length)

    def metric_names(self, container: ContainerReference) -> Sequence[str]:
        """Return the metrics of the newest runs, the most common first."""
        from firetower.store.run_list import list_metric_names

        return self._read(list_metric_names, container)

    def watching(self, container: ContainerReference) -> "Sequence[Automation]":
        """Return the automations that watch a metric of the runs in a container."""
        from firetower.store.run_list import list_watching

        return self._read(list_watching, container)

    def curves(
        self,
        run: AnyRun,
        metrics: Sequence[str],
        known: "Mapping[str, Curve] | None" = None,
        *,
        quick: bool = False,
    ) -> "dict[str, Curve]":
        """Return the curves of metrics, by name.

        Of a long one only what is newer than its `known` curve is read; `quick` sketches a
        long one that is not known.
        """
        from firetower.store.curves import read_curves

        return self._read(read_curves, _run(run), metrics, known, quick=quick)

    def add_artifact(self, run: AnyRun, version: Version | str, *, used: bool = False) -> None:
        """Note that a run logged a version, or used one."""
        reference, source = _run(run), VersionReference.parse(str(version))
        with self._store.changing() as change:
            found = store.find_run(change, reference)
            row = find_version(change, source).version_id
            link_artifact(change, found.id, row, used=used)


def environment_run() -> RunReference | None:
    """Return the run that FIRETOWER_RUN names, None where it is not set. Raises InvalidInput."""
    text = read_settings().run
    if text is None:
        return None
    try:
        return RunReference.parse(text)
    except InvalidInput as error:
        raise InvalidInput(f"{RUN}: {error.message}", error.hint) from None


def _run(run: AnyRun) -> RunReference:
    return run if isinstance(run, RunReference) else RunReference.parse(text_of(run))


def _checked(points: Iterable[Any]) -> Sequence[Point]:
    """Return points whose names and steps can be such. Raises InvalidInput."""
    checked: list[Point] = []
    names: dict[str, str] = {}
    for point in iterate(points, "points"):
        try:
            name, step, value, at = point
            number = float(value)
            known = names.get(name)
        except Exception:
            raise InvalidInput(
                f"a point cannot be {shortened(quoted(point), 60)}",
                'Give firetower.Point("loss", step, value).',
            ) from None
        if known is None:
            known = names[name] = check_metric_name(name)
        if at is not None and (not isinstance(at, datetime) or at.tzinfo is None):
            raise InvalidInput(
                f"the moment {shortened(quoted(at), 40)} of {quoted(known)} has no time zone",
                "Give a datetime with one, such as UTC.",
            )
        is_step = type(step) is int and 0 <= step <= MAX_STEP
        checked.append(Point(known, step if is_step else check_step(step), number, at))
    return checked
