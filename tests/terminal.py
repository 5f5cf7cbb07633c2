"""Commands on a real terminal, by a pseudo-terminal of the kernel's."""

import os
import pty
import termios
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import forked


@dataclass(frozen=True)
class Shown:
    """What a person saw, and how the command ended."""

    text: str
    returncode: int


def on_terminal(
    arguments: Sequence[str],
    environment: dict[str, str],
    folder: Path,
    *,
    typed: str = "",
    columns: int = 100,
) -> Shown:
    """Run `firetower` on a terminal of `columns` cells, on which `typed` has been typed."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (40, columns))
    os.write(leader, typed.encode())

    def run() -> int:
        try:
            environment_there = {**environment, "TERM": "xterm-256color"}
            return forked.run_on([follower] * 3, arguments, environment_there, folder)
        finally:
            os.close(follower)

    shown = bytearray()
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(run)
        try:
            while True:
                shown += os.read(leader, 65536)
        except OSError:  # Linux says so when the last one has left the terminal
            pass
        finally:
            os.close(leader)
        return Shown(shown.decode("utf-8").replace("\r\n", "\n"), ended.result())
