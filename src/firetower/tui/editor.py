"""Editing a text in the user's own editor."""

import contextlib
import os
import shlex
import tempfile
from pathlib import Path

from textual.app import App, SuspendNotSupported

from firetower.core.errors import FiretowerError, InvalidInput
from firetower.tui.terminal import run_in_terminal


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
