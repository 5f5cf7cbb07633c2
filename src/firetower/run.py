"""The run of a script: values are buffered, and a thread writes them once a second."""

import atexit
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self

from firetower.core.catalog import LoggedVersion, Version
from firetower.core.errors import Conflict, FiretowerError, NotFound, StoreError, Unforeseen
from firetower.core.points import check_step, flatten
from firetower.core.references import check_text
from firetower.core.runs import HEARTBEAT_INTERVAL, Run, RunReference, RunState
from firetower.core.text import counted, visible
from firetower.run_api import Runs, environment_run

FLUSH_INTERVAL = 1.0
"""Seconds between two writes of what was logged."""
MAX_BUFFERED = 1_000_000
"""Values that wait while the database cannot be written; what is logged beyond is lost."""
END_TIMEOUT = 30.0
"""Seconds in which the end of a run is tried while the database cannot be written."""
_RETRY_DELAY = 1.0
_FORK_TIMEOUT = 10.0
"""Seconds that a fork waits for a write under way."""


class Catalog(Protocol):
    """The part of a Tower that a run uses."""

    @property
    def runs(self) -> Runs:
        """The runs."""
        ...

    @property
    def log(self) -> Callable[..., LoggedVersion]:
        """Log a version."""
        ...

    def reopened(self) -> Self:
        """Return the same database with connections of this process."""
        ...


class ActiveRun:
    """The run of this script. Finish it, or use it in a `with` block.

    It may be used from several threads, and from processes that were forked from this one: each
    writes its own values. Leaving the block finishes the run; an exception makes it failed,
    Ctrl-C killed; where another process has ended it, or the database has it no more, that is said
    on stderr. Where it was joined (FIRETOWER_RUN), the process that started it ends it.

    Without a block it ends with the script in the same way, also by `sys.exit(3)`; but nobody
    sees `raise SystemExit(3)` then: use a block, or `firetower run exec`.
    """

    def __init__(self, tower: Catalog, run: Run, *, joined: bool) -> None:
        self.reference: RunReference = run.reference
        self.joined = joined
        """Whether the run was started by another process, which ends it."""
        self._tower = tower
        self._next_step = run.next_step
        self._owner = os.getpid()
        self._process = os.getpid()
        self._ended = self._closed = False
        self._reset()
        _active.add(self)
        _see_exits()
        self._start_thread()

    def _reset(self) -> None:
        """Begin with nothing buffered; after a fork the parent writes what it logged itself."""
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._buffer: list[tuple[int, datetime, dict[str, float]]] = []
        self._buffered = self._lost = 0
        self._said = ""
        self._written_at = time.monotonic()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._held: list[threading.Lock] = []

    @property
    def _here(self) -> Catalog:
        """The tower, with connections of this process's own."""
        if self._process != os.getpid():
            _inherited.append(self._tower)
            self._tower, self._process = self._tower.reopened(), os.getpid()
        return self._tower

    @property
    def id(self) -> str:
        """The run's id in its project."""
        return self.reference.id

    @property
    def state(self) -> RunState:
        """Its state as the database has it now. Raises StoreError."""
        return self._here.runs.state(self.reference)

    def __str__(self) -> str:
        return str(self.reference)

    def log(self, metrics: Mapping[str, object], step: int | None = None) -> None:
        """Log one value of each metric at a step, by default the next one.

        Names of nested objects are joined with dots. It only buffers: a thread writes once a
        second. Raises InvalidInput for what is no number, and Conflict once the run has ended.
        """
        values = flatten(metrics)
        given = None if step is None else check_step(step)
        now = datetime.now(UTC)
        with self._lock:
            if self._ended:
                raise Conflict(f"run {self} has ended", "Log before the end of its block.")
            at_step = check_step(self._next_step) if given is None else given
            self._next_step = max(self._next_step, at_step + 1)
            self._keep(at_step, now, values)
        if self._thread is None:
            self._start_thread()

    def log_beside(self, metrics: Mapping[str, float], step: int) -> None:
        """Log metrics that count steps of their own: they do not move the run's next step."""
        with self._lock:
            self._keep(step, datetime.now(UTC), dict(metrics))

    def _keep(self, step: int, at: datetime, values: dict[str, float]) -> None:
        if self._buffered + len(values) > MAX_BUFFERED:
            self._lost += len(values)
        else:
            self._buffer.append((step, at, values))
            self._buffered += len(values)

    def update(
        self,
        *,
        name: str | None = None,
        config: Mapping[str, object] | None = None,
        summary: Mapping[str, object] | None = None,
        tags: Iterable[str] | None = None,
        notes: str | None = None,
    ) -> None:
        """Change the run's fields; keys of config and summary are added to its own."""
        self._here.runs.update(
            self.reference, name=name, config=config, summary=summary, tags=tags, notes=notes
        )

    def alert(self, title: str, text: str = "", *, level: str = "INFO") -> None:
        """Record an alert at once, as `tower.runs.alert` does: it fires automations on RUN_ALERT.

        The level is INFO, WARN or ERROR. Raises InvalidInput for another, and StoreError.
        """
        self._here.runs.alert(self.reference, title, text, level=level)

    def log_artifact(
        self,
        name: str,
        paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
        *,
        type: str,  # noqa: A002 - the word of the command line and of W&B
        references: Iterable[str] = (),
        aliases: Iterable[str] = (),
        tags: Iterable[str] = (),
        metadata: Mapping[str, object] | None = None,
        empty: bool = False,
    ) -> LoggedVersion:
        """Log a version into the collection `name` of the run's project, as `tower.log` does.

        It is linked to the run. Raises as `tower.log` does.
        """
        return self._here.log(
            f"{self.reference.project}/{check_text(name, 'name')}",
            paths,
            type=type,
            references=references,
            aliases=aliases,
            tags=tags,
            metadata=metadata,
            empty=empty,
            run=self.reference,
        )

    def use_artifact(self, version: Version | str) -> None:
        """Note that the run uses a version. Raises NotFound."""
        self._here.runs.add_artifact(self.reference, version, used=True)

    def flush(self) -> None:
        """Write what was logged until now. Raises StoreError; what was not written is kept."""
        with self._writing:
            with self._lock:
                taken, self._buffer = self._buffer, []
                self._buffered = 0
            if not taken:
                return
            try:
                self._here.runs.write(self.reference, _points(taken))
            except Exception:
                with self._lock:
                    self._buffer[:0] = taken
                    self._buffered = sum(len(values) for _, _, values in self._buffer)
                raise
            self._written_at = time.monotonic()

    def finish(self, *, exit_code: int = 0, state: RunState | None = None) -> None:
        """Write what was logged and end the run, unless another process started it.

        It is finished, or failed where the exit code is not 0, or as `state` says. While the
        database cannot be written it is tried for 30 seconds; what is lost then is said on stderr.
        Ending it twice changes nothing. Raises StoreError where the end could not be saved, and
        Conflict where another process has ended the run in another way, NotFound where it is gone.
        """
        if self._closed:
            return
        with self._lock:  # what another thread logs now is written below, or refused
            self._ended = True
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        deadline = time.monotonic() + END_TIMEOUT
        while not self._flush_or_say() and time.monotonic() < deadline:
            time.sleep(_RETRY_DELAY)
        self._give_up()
        if not self.joined and os.getpid() == self._owner:
            self._end(exit_code, state, deadline)
        self._close()

    def _end(self, exit_code: int, state: RunState | None, deadline: float) -> None:
        while True:
            try:
                self._here.runs.finish(self.reference, exit_code=exit_code, state=state)
            except StoreError:  # once more when the process ends
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_RETRY_DELAY)
            except FiretowerError:
                self._close()
                raise
            else:
                return

    def _close(self) -> None:
        self._closed = True
        _active.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._finish_after(error)
        except (Conflict, NotFound) as refusal:  # what comes after the block matters more
            self._say(refusal)

    def _finish_after(self, error: BaseException | None) -> None:
        state = RunState.KILLED if isinstance(error, KeyboardInterrupt) else None
        self.finish(exit_code=_exit_code(error), state=state)

    def _start_thread(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._write_on, name="firetower", daemon=True)
            self._thread.start()
        if os.getpid() != self._owner and (util := sys.modules.get("multiprocessing.util")):
            # A child of multiprocessing calls no atexit functions.
            util.Finalize(None, self._end_with_process, exitpriority=0)

    def _write_on(self) -> None:
        """Write once a second, and send heartbeats while nothing is logged."""
        stop = self._stop
        while not stop.wait(FLUSH_INTERVAL):
            self._flush_or_say()
            silent = time.monotonic() - self._written_at
            if os.getpid() == self._owner and silent >= HEARTBEAT_INTERVAL.total_seconds():
                self._send_heartbeat()

    def _send_heartbeat(self) -> None:
        try:
            self._here.runs.heartbeat(self.reference)
        except FiretowerError as error:
            self._say(error)
        self._written_at = time.monotonic()

    def _flush_or_say(self) -> bool:
        """Flush, or say on stderr what is wrong, once; return whether another try is needless."""
        try:
            self.flush()
        except Conflict as error:  # the run has ended: a later try of these could not succeed
            self._say(error)
            with self._lock:
                self._lost += self._buffered
                self._buffer, self._buffered = [], 0
        except NotFound as error:  # another database is in its place: kept for when it is back
            self._say(error)
        except FiretowerError as error:
            self._say(error)
            return False
        except Exception as error:  # a defect must not end a training
            self._say(Unforeseen(error))
            return False
        else:
            self._said = ""
        return True

    def _give_up(self) -> None:
        """Say how many values are lost, if any are."""
        with self._lock:
            lost = self._lost + self._buffered
            self._buffer, self._buffered, self._lost = [], 0, 0
        if lost:
            _print(f"run {self}: {counted(lost, 'value')} could not be saved.")

    def _say(self, error: FiretowerError) -> None:
        if error.message != self._said:
            self._said = error.message
            _print(f"run {self}: {error.message}. {error.hint}")

    def _end_with_process(self) -> None:
        """Write what is left when the process ends; end a run that nobody has ended."""
        try:
            self._finish_after(next(iter(_exits), getattr(sys, "last_value", None)))
        except FiretowerError as error:
            self._say(error)

    def _hold(self) -> None:
        """Wait for a write under way, and begin none: the process is about to fork.

        A child that was forked meanwhile would wait for the database's own locks without end.
        """
        locks = (self._writing, self._lock)
        self._held = [lock for lock in locks if lock.acquire(timeout=_FORK_TIMEOUT)]

    def _release(self) -> None:
        """Release the locks after a fork."""
        for lock in self._held:
            lock.release()


def join_or_start(
    tower: Catalog, project: str, run_id: str | None, *, resume: bool, **said: Any
) -> ActiveRun:
    """Join the run that the environment names, or start one. Raises as `Runs.start` does."""
    given = environment_run()
    if given is not None and run_id is None:
        tower.runs.heartbeat(given)
        return ActiveRun(tower, tower.runs.update(given, **said), joined=True)
    host = socket.gethostname()
    started = tower.runs.start(project, id=run_id, resume=resume, host=host, **said)
    return ActiveRun(tower, started, joined=False)


def _points(
    taken: Iterable[tuple[int, datetime, dict[str, float]]],
) -> Iterator[tuple[str, int, float, datetime]]:
    for step, at, values in taken:
        for name, value in values.items():
            yield name, step, value, at  # a Point costs four times as much


def _exit_code(error: BaseException | None) -> int:
    match error:
        case None:
            return 0
        case SystemExit(code=None):
            return 0
        case SystemExit(code=int(code)):
            return code & 0xFF  # as the system keeps it
        case KeyboardInterrupt():
            return 128 + signal.SIGINT
    return 1


class _Exit(SystemExit):
    """Raised by `sys.exit` while there is a run."""

    def __del__(self) -> None:
        # No hook sees an exit. But one that nobody has caught ends when no frame is left.
        is_last = sys._getframe().f_back is None  # noqa: SLF001 - importing inspect takes long
        if is_last and threading.current_thread() is threading.main_thread():
            _exits.append(SystemExit(self.code))


_exits: list[SystemExit] = []
"""The exit that ends the process."""


def _see_exits() -> None:
    before = sys.exit
    if getattr(before, "__module__", "") == __name__:
        return

    def exit(status: Any = None) -> NoReturn:  # noqa: A001, ANN401 - as the one it replaces
        try:
            before(status)
        except SystemExit as error:
            raise _Exit(*error.args) from None

    sys.exit = exit


def _print(text: str) -> None:
    # A message that cannot be written is worth no value of a run; `print` would take stdout for
    # standard error that is closed.
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(f"firetower: {visible(text)}", file=sys.stderr, flush=True)


_active: set[ActiveRun] = set()
_inherited: list[Catalog] = []
"""Towers of the process that this one was forked from: their connections must not be closed."""


def _each(act: Callable[[ActiveRun], object]) -> Callable[[], None]:
    def call() -> None:
        for run in list(_active):
            act(run)

    return call


os.register_at_fork(
    before=_each(ActiveRun._hold),  # noqa: SLF001 - hooks of this module, no API
    after_in_parent=_each(ActiveRun._release),  # noqa: SLF001
    after_in_child=_each(ActiveRun._reset),  # noqa: SLF001
)
atexit.register(_each(ActiveRun._end_with_process))  # noqa: SLF001
