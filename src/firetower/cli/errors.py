"""How a command ends: its exit code, and two lines where it was refused."""

import os
import sys

import click

from firetower.core.errors import FiretowerError
from firetower.core.text import shortened, visible

_REFUSED = 1
_INTERRUPTED = 130


def run(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run a command line; return its exit code: 0 done, 1 refused or failed, 2 usage."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a terminal without Unicode gets escapes, not a traceback
            reconfigure(errors="backslashreplace")
    try:
        return _run_click(command, arguments)
    except FiretowerError as error:
        return _refuse(error.message, error.hint)
    except ValueError as error:
        if said := _invalid_value(error):
            return _refuse(*said)
        raise


def _run_click(command: click.Command, arguments: list[str] | None) -> int:
    try:
        returned = command.main(arguments, prog_name="firetower", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
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
    click.echo(visible(message), err=True)
    click.echo(visible(hint), err=True)
    return _REFUSED


def _leave_pipe() -> int:
    """Point stdout nowhere, so that Python's own flush at exit does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _REFUSED


def _invalid_value(error: ValueError) -> tuple[str, str] | None:
    """Return the two lines for a value that no model accepts, such as text that is not Unicode."""
    from pydantic import ValidationError

    if isinstance(error, UnicodeEncodeError):
        return "an argument is not valid Unicode", "Write it in UTF-8."
    if not isinstance(error, ValidationError):
        return None
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "an argument"
    return f"{place}: {shortened(first['msg'], 120)}", "Give another value there."
