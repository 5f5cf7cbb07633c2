"""Other programs in the terminal, while the app is suspended: the demo, the user's editor."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from textual.app import App, SuspendNotSupported

from firetower.core.errors import FiretowerError, InvalidInput


def run_in_terminal(app: App[None], command: Sequence[str]) -> int:
    """Run a program in the terminal until it ends, and return its exit code.

    Raises OSError and ValueError if it cannot be run, SuspendNotSupported if the app cannot leave
    the terminal.
    """
    with app.suspend(), _stopping_with_it():
        return subprocess.run(command, check=False).returncode  # noqa: S603


def look_at_demo(app: App[None]) -> None:
    """Run the demo with its tour until it is left. Raises FiretowerError."""
    try:
        run_in_terminal(app, [sys.executable, "-P", "-m", "firetower.cli", "demo", "--tour"])
    except (OSError, SuspendNotSupported) as error:
        raise FiretowerError(
            f"the demo cannot be run: {error}", "Leave the app, and run `firetower demo`."
        ) from None


@contextlib.contextmanager
def _stopping_with_it() -> Iterator[None]:
    """Stop on ctrl+z as the program does: else no shell would know, and none could resume it."""
    before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)


def edit_text(app: App[None], text: str, suffix: str) -> str:
    """Return the text as the editor left it; the app is suspended meanwhile.

    The file can be read by its owner only, and is removed. Raises FiretowerError when there is no
    editor, or when it fails: the text stays as it was.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not command.strip():
        raise InvalidInput("no editor is set", "Set VISUAL or EDITOR, for example EDITOR=nano.")
    number, name = tempfile.mkstemp(suffix, "firetower-")
    path = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        code = _run(app, command, name)
        if code:
            raise FiretowerError(f"the editor ended with {code}", "The text stays as it was.")
        return _without_added_end(path.read_text("utf-8"), text)
    except (OSError, UnicodeDecodeError) as error:
        raise FiretowerError(
            f"the text cannot be read back: {error}", "It stays as it was."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _run(app: App[None], command: str, name: str) -> int:
    """Run the editor on a file, and return its exit code. Raises InvalidInput."""
    try:
        return run_in_terminal(app, [*shlex.split(command), name])
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"the editor {command} cannot be run: {error}", "Check VISUAL and EDITOR."
        ) from None
    except SuspendNotSupported:
        raise InvalidInput(
            "this terminal cannot be handed to an editor", "Write it here."
        ) from None


def _without_added_end(text: str, before: str) -> str:
    """Return the text without the line break that editors add at the end."""
    return text if before.endswith("\n") else text.removesuffix("\n")
