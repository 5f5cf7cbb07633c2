"""Logs of commands that keep running: a line that cannot be written at once is dropped."""

import io
import os
import socket
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from firetower.core.json import dump
from firetower.core.text import counted, instant

Describe = Callable[[str], str]
"""Returns a message as a line of a log."""


def as_text(message: str) -> str:
    """Return a message as it is."""
    return message


def as_json(message: str) -> str:
    """Return a JSON object with a message and the time."""
    return dump({"at": instant(datetime.now(UTC)), "message": message})


def drop_unread(*, stderr: Describe = as_text, stdout: Describe | None = None) -> None:
    """Drop lines to standard error while its reader takes none, or its disk is full.

    With `stdout` there too. How many is said once it can be, in a line that the function makes.
    """
    sys.stderr = _replace(sys.stderr, stderr)
    if stdout is not None:
        sys.stdout = _replace(sys.stdout, stdout)


def _replace(stream: Any, describe: Describe) -> Any:  # noqa: ANN401 - of any kind
    try:
        writer = io.BufferedWriter(_LogStream(stream.fileno(), describe))
        stream.flush()
    except OSError:  # in memory, or it cannot be written to
        return stream
    return type(stream)(writer, stream.encoding, stream.errors, line_buffering=True)


class _LogStream(io.FileIO):
    """Writes what is taken at once, and counts the other lines."""

    def __init__(self, number: int, describe: Describe) -> None:
        opened = _open_again(number)
        super().__init__(number if opened is None else opened, "w", closefd=opened is not None)
        self._is_socket = stat.S_ISSOCK(os.fstat(number).st_mode)
        self._describe, self._lost, self._is_cut = describe, 0, False

    def write(self, data: Any) -> int:  # noqa: ANN401 - bytes of any kind
        """Write lines, or drop them; return their length."""
        lines = bytes(data)
        if self._lost:
            said = f"{counted(self._lost, 'line')} of this log could not be written"
            start = "\n" if self._is_cut else ""
            notice = f"{start}{self._describe(said)}\n".encode()
            if self._sent(notice) < len(notice):
                self._lost += lines.count(b"\n")
                return len(lines)
        left = lines[self._sent(lines) :]
        self._lost = left.count(b"\n")
        return len(lines)

    def _sent(self, lines: bytes) -> int:
        try:
            # None where it would wait.
            sent = _send(self.fileno(), lines) if self._is_socket else super().write(lines) or 0
        except OSError:  # a full disk, a reader that is gone
            return 0
        self._is_cut = sent < len(lines) if sent else self._is_cut
        return sent


def _open_again(number: int) -> int | None:
    """Open a pipe or a terminal once more, so that writing there never waits.

    Other programs that have it open, such as a shell, would get that flag of the first.
    """
    kind = os.fstat(number).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        try:
            return os.open(f"/dev/fd/{number}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:  # it is another user's
            if stat.S_ISFIFO(kind):
                os.set_blocking(number, False)
    return None


def _send(number: int, lines: bytes) -> int:
    reader = socket.socket(fileno=number)
    try:
        return reader.send(lines, socket.MSG_DONTWAIT)
    finally:
        reader.detach()
