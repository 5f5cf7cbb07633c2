"""Commands on a real terminal, by a pseudo-terminal of the kernel's."""

import os
import pty
import subprocess
import termios
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Shown:
    """What a person saw, and how the command ended."""

    text: str
    returncode: int


def on_terminal(
    command: Sequence[str | Path],
    environment: dict[str, str],
    folder: Path,
    *,
    typed: str = "",
    columns: int = 100,
) -> Shown:
    """Run a command on a terminal of `columns` cells, on which `typed` has been typed."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (40, columns))
    process = subprocess.Popen(
        command,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=folder,
        env={**environment, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(follower)
    os.write(leader, typed.encode())
    shown = bytearray()
    try:
        while True:
            shown += os.read(leader, 65536)
    except OSError:  # Linux says so when the last one has left the terminal
        pass
    finally:
        os.close(leader)
        process.wait(60)
    return Shown(shown.decode("utf-8").replace("\r\n", "\n"), process.returncode)
