"""How a command ends: its exit code, and two lines where it was refused."""

import errno
import io
import os
import re
import sys
import time
import warnings
from contextlib import suppress
from datetime import datetime

import click

from firetower.core.errors import FiretowerError
from firetower.core.text import bounded, first_refusal, visible

_REFUSED = 1
_INTERRUPTED = 130
_OF_OUTPUT = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EAGAIN}
_NO_MEMORY = re.compile("new thread|failed to map segment|allocate memory|without .*exception")
"""What Python says where the system gave it none: not always a MemoryError."""


def run(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run a command line; return its exit code: 0 done, 1 refused or failed, 2 usage."""
    try:
        return _run_click(command, arguments)
    except FiretowerError as error:
        return _refuse(error.message, error.hint)
    except OSError as error:
        _leave_pipe()
        _forget_half_made()
        return _refuse(*_system_error(error))
    except ValueError as error:
        if said := _invalid_value(error):
            return _refuse(*said)
        raise
    except (MemoryError, RuntimeError, ImportError, SystemError) as error:
        if not isinstance(error, MemoryError) and not _NO_MEMORY.search(str(error)):
            raise
        _forget_half_made()
        want = "this program may use no more memory, or no more threads"
        return _refuse(want, "Raise its limits: see ulimit -v and ulimit -u, or the container's.")


def _forget_half_made() -> None:
    """Let nothing be said of what an error left half made: it is told in two lines."""
    sys.unraisablehook = lambda _: None
    warnings.simplefilter("ignore")


class _Messages(io.TextIOWrapper):
    """Standard error; a message that cannot be written is lost, and no command fails for it."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def prepare() -> None:
    """Make this process ready for any environment: files that are closed, odd encodings and TZ."""
    # Else a database might become one of them. Nothing can be written to what replaces
    # standard output: what was asked for is then refused, not lost.
    while (opened := os.open(os.devnull, os.O_RDONLY)) <= 2:
        pass
    os.close(opened)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without Unicode gets escapes, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    # Beside the stream made at the start, on which Textual draws.
    errors = io.BufferedWriter(io.FileIO(2, "w", closefd=False))
    sys.stderr = _Messages(errors, sys.stderr.encoding, "backslashreplace", line_buffering=True)
    _check_time_zone()


def _check_time_zone() -> None:
    """Use UTC where TZ is a zone that Python cannot compute with, in winter or in summer."""
    try:
        for month in (1, 7):
            datetime(2026, month, 1).astimezone()
    except (ValueError, OverflowError):
        click.echo(f"TZ={visible(os.environ.get('TZ', ''))} is out of range; using UTC.", err=True)
        os.environ["TZ"] = "UTC"
        time.tzset()


def _system_error(error: OSError) -> tuple[str, str]:
    said = error.strerror or str(error)
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return f"this program may open no more files: {said}", "Raise the limit: see ulimit -n."
    if error.errno in _OF_OUTPUT and error.filename is None:
        return f"the output cannot be written: {said}", "Free some space, or write it elsewhere."
    gone = "the current folder: " if error.errno == errno.ENOENT else ""
    place = gone if error.filename is None else f"{error.filename}: "
    return f"{place}{said}", "Check that the file, and the folder this runs in, are there for you."


def _run_click(command: click.Command, arguments: list[str] | None) -> int:
    try:
        returned = command.main(arguments, prog_name="firetower", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.message = bounded(error.message)  # type: ignore[misc]
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        return _leave_pipe()
    except SystemExit as leaving:  # click's own answer to a reader that went away
        return _leave_pipe() if leaving.code == 1 else int(leaving.code or 0)
    return returned if isinstance(returned, int) else 0


def _refuse(message: str, hint: str) -> int:
    click.echo(visible(bounded(message)), err=True)
    click.echo(visible(hint), err=True)
    return _REFUSED


def _leave_pipe() -> int:
    """Point stdout nowhere if nothing can be written: Python's flush at exit would complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _REFUSED


def _invalid_value(error: ValueError) -> tuple[str, str] | None:
    """Return the two lines for a value that no model accepts, such as text that is not Unicode."""
    from pydantic import ValidationError

    if isinstance(error, UnicodeEncodeError):
        return "an argument is not valid Unicode", "Write it in UTF-8."
    if not isinstance(error, ValidationError):
        return None
    place, reason = first_refusal(error)
    return f"{place or 'an argument'}: {reason}", "Give another value there."
