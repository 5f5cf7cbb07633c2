"""Running a command as a run: its environment, its signals, its metrics and its end."""

import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from firetower.cli.system_metrics import open_system
from firetower.core.errors import FiretowerError, InvalidInput
from firetower.core.json import in_range, unique_keys
from firetower.core.points import check_step, flatten
from firetower.core.runs import RunState, new_run_id
from firetower.core.text import counted, quoted, shortened, visible
from firetower.settings import DATABASE_URL, RUN

if TYPE_CHECKING:
    from firetower.run import ActiveRun
    from firetower.tower import Tower

SYSTEM_INTERVAL = 15.0
"""Seconds between two measurements of the system."""
_POLL_INTERVAL = 0.2
"""Seconds after which a file is looked at again."""
_DRAIN_TIMEOUT = 1.0
"""Seconds that a descriptor may be silent after the command's end, while others hold it open."""
_STOP_INTERVAL = 2.0
"""Seconds between two looks at whether the run was stopped from outside."""
_MAX_LINE = 1024 * 1024
_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_unique_keys, _in_range = partial(unique_keys, "a line"), partial(in_range, "a line")
_STEPS = ("step", "_step", "global_step")

Say = Callable[[str], object]
Measure = Callable[[int], dict[str, float]]
"""Returns the metrics of a process, by its number, and of the machine."""


def execute(
    tower: "Tower",
    project: str,
    command: Sequence[str],
    said: Mapping[str, Any],
    lines: "MetricLines | None",
    *,
    system: bool,
    say: Say,
    progress: Say,
) -> int:
    """Run a command as a run; return its exit code, 128 and more where a signal ended it.

    `say` is called with what is wrong, `progress` with the rest. Stopped from outside, in the app
    or by `run finish --killed`, the command gets SIGTERM. Raises FiretowerError where the run
    cannot be started: the command then does not run either.
    """
    _check_command(command[0])
    measure = open_system() if system else None
    with _Signals() as signals:
        run = tower.run(project, **{**said, "id": said.get("id") or new_run_id()})
        progress(f"run {run}: {shortened(shlex.join(command), 200)}")
        child = _spawn(tower, run, command, lines)
        signals.pass_on_to(child)
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            say(f"run {run} was stopped: the command gets SIGTERM")
            child.terminate()

        _wait(child, run, lines, measure, stop)
        for problem in () if lines is None else lines.problems:
            say(problem)
        code = child.returncode if child.returncode >= 0 else 128 - child.returncode
        # Only Ctrl-C is sure to be meant: a scheduler ends what has run for too long by SIGTERM.
        killed = stopped.is_set() or (signal.SIGINT in signals.received and code != 0)
        _end(run, code, RunState.KILLED if killed else None, say, progress)
    return code


def _check_command(name: str) -> None:
    if shutil.which(name) is not None:
        return
    shown = quoted(shortened(name, 60))
    if "/" in name and Path(name).is_file():
        raise InvalidInput(
            f"{shown} is not an executable file",
            "Run chmod +x on it, or write what runs it before it: python, sh, …",
        )
    raise InvalidInput(
        f"there is no command {shown}", "Check its name and PATH; write `--` before the command."
    )


def _wait(
    child: subprocess.Popen[bytes],
    run: "ActiveRun",
    lines: "MetricLines | None",
    measure: Measure | None,
    stop: Callable[[], None],
) -> None:
    """Log the command's metrics until it has ended; call `stop` if its run is stopped."""
    ended = threading.Event()
    threads = [threading.Thread(target=_watch_state, args=(run, ended, stop))]
    if lines is not None:
        threads.append(threading.Thread(target=lines.read_on, args=(run, ended)))
    if measure is not None:
        arguments = (run, ended, measure, child.pid)
        threads.append(threading.Thread(target=_measure_on, args=arguments))
    for thread in threads:
        thread.start()
    child.wait()
    ended.set()
    for thread in threads:
        thread.join()


def _spawn(
    tower: "Tower", run: "ActiveRun", command: Sequence[str], lines: "MetricLines | None"
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, RUN: str(run), DATABASE_URL: tower.url}
    passed = () if lines is None or lines.write_end is None else (lines.write_end,)
    try:
        return subprocess.Popen(command, env=environment, pass_fds=passed)  # noqa: S603 - theirs
    except OSError as error:
        run.finish(exit_code=126)
        reason = error.strerror or str(error)
        raise InvalidInput(
            f"{visible(command[0])} cannot be run: {reason}", "Make it an executable file."
        ) from None
    finally:
        if passed:
            os.close(*passed)


def _watch_state(run: "ActiveRun", ended: threading.Event, stop: Callable[[], None]) -> None:
    while not ended.wait(_STOP_INTERVAL):
        with suppress(FiretowerError):
            if run.state is RunState.KILLED:
                stop()
                return


class _Signals:
    """Passes signals on to a command, also those that came before it was started."""

    def __init__(self) -> None:
        self.received: set[int] = set()
        self._child: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name in _PASSED_ON:
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def pass_on_to(self, child: subprocess.Popen[bytes]) -> None:
        """Pass on to a command what came, and what will come."""
        earlier, self._child = set(self.received), child
        for number in earlier:
            child.send_signal(number)

    def _pass_on(self, number: int, _: object) -> None:
        self.received.add(number)
        # From the terminal the command gets it too: both are in the foreground.
        from_terminal = number in {signal.SIGINT, signal.SIGQUIT} and _is_in_foreground()
        if self._child is not None and not from_terminal:
            self._child.send_signal(number)


def _is_in_foreground() -> bool:
    with suppress(OSError), Path(os.ctermid()).open("rb", buffering=0) as terminal:
        return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    return False


def _end(run: "ActiveRun", code: int, state: RunState | None, say: Say, progress: Say) -> None:
    try:
        run.finish(exit_code=code, state=state)
    except FiretowerError as error:
        say(f"the end of run {run} could not be saved: {error.message}. {error.hint}")
    else:
        how = state or (RunState.FAILED if code else RunState.FINISHED)
        progress(f"run {run} {how.phrase}" + (f", exit code {code}" if code else ""))


def _measure_on(run: "ActiveRun", ended: threading.Event, measure: Measure, pid: int) -> None:
    """Log the system's metrics; their steps are seconds since the start."""
    begun = time.monotonic()
    while not ended.wait(SYSTEM_INTERVAL):
        with suppress(FiretowerError):
            run.log_beside(measure(pid), round(time.monotonic() - begun))


class MetricLines:
    """Lines of JSON that a command writes."""

    def __init__(self, path: str | None, descriptor: int | None, write_end: int | None) -> None:
        self._path, self._descriptor = path, descriptor
        self.write_end = write_end
        """The descriptor for the command, to be closed here once it has it."""
        self._unread, self._reason, self._is_opened = 0, "", path is None
        self._rest = b""
        self._position, self._inode = _end_of(path)

    @classmethod
    def open(cls, source: str) -> "MetricLines":
        """Make the descriptor of a number, or note where the file of a path ends now.

        To be called before the database is opened: its files might become that descriptor. Raises
        InvalidInput for descriptors 0 to 2, pipes and folders.
        """
        if not source.isdecimal():
            if Path(source).exists() and not Path(source).is_file():
                raise InvalidInput(
                    f"{visible(shortened(source, 60))} is not a file that can be followed",
                    "Give the path of a plain file, or the number of a descriptor.",
                )
            return cls(source, None, None)
        number = int(source)
        if not 3 <= number <= 255:
            raise InvalidInput(
                f"descriptor {shortened(source, 20)} cannot carry metrics",
                "Give one of 3 to 255: 0, 1 and 2 are the command's own.",
            )
        read_end, write_end = os.pipe()
        if read_end == number:
            read_end = os.dup(read_end)
        if write_end != number:
            os.dup2(write_end, number)
            os.close(write_end)
        return cls(None, read_end, number)

    def read_on(self, run: "ActiveRun", ended: threading.Event) -> None:
        """Log lines as they are written, until the command has ended and all are read."""
        reading = self._of_descriptor(ended) if self._path is None else self._of_file(ended)
        for piece in reading:
            *lines, rest = (self._rest + piece).split(b"\n")
            self._rest = rest[: _MAX_LINE + 1]  # enough to see that it is too long
            for line in lines:
                self._log(run, line)
        self._log(run, self._rest)

    def _of_descriptor(self, ended: threading.Event) -> Iterator[bytes]:
        assert self._descriptor is not None
        poller, silent_at = select.poll(), None
        poller.register(self._descriptor, select.POLLIN)
        while silent_at is None or time.monotonic() < silent_at:
            if poller.poll(_POLL_INTERVAL * 1_000):
                piece = os.read(self._descriptor, 65_536)
                if not piece:
                    break
                silent_at = None
                yield piece
            elif ended.is_set() and silent_at is None:
                silent_at = time.monotonic() + _DRAIN_TIMEOUT
        os.close(self._descriptor)

    def _of_file(self, ended: threading.Event) -> Iterator[bytes]:
        assert self._path is not None
        last = False
        while not last:
            last = ended.wait(_POLL_INTERVAL)
            if not Path(self._path).is_file():  # not yet there; or a pipe, which would wait
                continue
            with suppress(OSError), Path(self._path).open("rb") as file:
                self._is_opened, found = True, os.fstat(file.fileno())
                if found.st_ino != self._inode or found.st_size < self._position:
                    self._position, self._inode, self._rest = 0, found.st_ino, b""
                file.seek(self._position)
                while piece := file.read(65_536):
                    self._position += len(piece)
                    yield piece

    def _log(self, run: "ActiveRun", line: bytes) -> None:
        if not line.strip():
            return
        if len(line) > _MAX_LINE:
            self._refuse("a line is longer than 1 MiB")
            return
        try:
            values = json.loads(line, object_pairs_hook=_unique_keys, parse_float=_in_range)
            if not isinstance(values, dict):
                raise InvalidInput("a line is no JSON object", "")
            given = next((values.pop(name) for name in _STEPS if name in values), None)
            if isinstance(given, float) and given.is_integer():
                given = int(given)
            step = None if given is None else check_step(given)
            run.log(flatten(values, strict=False), step)
        except FiretowerError as error:
            self._refuse(error.message)
        except (ValueError, RecursionError):
            self._refuse(f"{quoted(shortened(line[:60].decode(errors='replace'), 40))} is no JSON")

    def _refuse(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._unread += 1

    @property
    def problems(self) -> Iterator[str]:
        """What could not be read."""
        if self._unread:
            lines = counted(self._unread, "line")
            yield f"{lines} of metrics could not be read: {self._reason}"
        if not self._is_opened:
            yield f"no metrics: {visible(str(self._path))} is no file that can be read"


def _end_of(path: str | None) -> tuple[int, int]:
    """Return a file's size and inode: what is in it before the command is not the command's."""
    with suppress(OSError):
        if path is not None:
            found = Path(path).stat()
            return found.st_size, found.st_ino
    return 0, 0
