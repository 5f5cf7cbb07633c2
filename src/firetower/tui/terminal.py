"""Another program in the terminal, while the app is suspended."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from textual.app import App, SuspendNotSupported

from firetower.core.errors import FiretowerError


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
        run_in_terminal(app, [sys.executable, "-m", "firetower.cli", "demo", "--tour"])
    except (OSError, SuspendNotSupported) as error:
        raise FiretowerError(
            f"the demo cannot be run: {error}", "Leave the app, and run `firetower demo`."
        ) from None


@contextmanager
def _stopping_with_it() -> Iterator[None]:
    """Stop on ctrl+z as the program does: else no shell would know, and none could resume it."""
    before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)
