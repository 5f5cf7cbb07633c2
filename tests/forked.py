"""Commands in processes of their own that do not import the program anew, half a second each.

A process that has imported it waits for orders and forks for each one. What a command reads and
writes, its environment, its folder and how it ends are as when its script is started.
"""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NoReturn

_TIMEOUT = 60.0
_READ_AT_START = ("PYTHON", "LC_", "LANG")
"""Variables that only a new interpreter takes in."""


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path = Path(),
    given: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run `firetower` with these arguments to its end."""
    changed = {name for name, value in environment.items() if os.environ.get(name) != value}
    assert not [name for name in changed if name.startswith(_READ_AT_START)]
    with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
        stdin.write(given.encode())
        stdin.seek(0)
        files = (stdin.fileno(), stdout.fileno(), stderr.fileno())
        code = run_on(files, arguments, environment, folder)
        return subprocess.CompletedProcess([*arguments], code, _written(stdout), _written(stderr))


def run_on(
    files: Sequence[int],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path = Path(),
) -> int:
    """Run `firetower` to its end with these files as its standard ones; return how it ended."""
    order = {
        "arguments": arguments,
        "environment": dict(environment),
        "folder": str(folder.absolute()),
    }
    return _forker().fork(order, files)


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


class _Forker:
    """The process that forks, no child of this one, but ended with it."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        self._channel.settimeout(_TIMEOUT)
        atexit.register(self._channel.close)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._process.wait()

    def fork(self, order: Mapping[str, object], files: Sequence[int]) -> int:
        """Run one command with these files as its standard ones; return how it ended."""
        with TemporaryFile() as written:
            written.write(json.dumps(order).encode())
            written.seek(0)
            socket.send_fds(self._channel, [b"?"], [written.fileno(), *files])
            try:
                return int(self._channel.recv(16))
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
                raise


@cache
def _forker() -> _Forker:
    return _Forker()


def _serve(channel: socket.socket) -> None:
    """Fork for each order; return in the process that is to carry it out."""
    while True:
        message, files, _, _ = socket.recv_fds(channel, 1, 4)
        if not message:
            sys.exit()
        child = os.fork()
        if not child:
            channel.close()
            _become(*files)
            return
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(order_file: int, *standard: int) -> None:
    with open(order_file, "rb") as file:
        order = json.load(file)
    for number, file_number in enumerate(standard):
        os.dup2(file_number, number)
        os.close(file_number)
    # The ones made at the start know whether they can seek, and whether a terminal is there.
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.chdir(order["folder"])
    sys.argv = ["firetower", *order["arguments"]]


def _end_with(command: Callable[[], None]) -> NoReturn:
    """Run a command and end as Python does, but free nothing: that takes 0.2 s."""
    status: object = 0
    try:
        command()
    except SystemExit as leaving:
        status = leaving.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    assert isinstance(status, int)
    os._exit(status)


if __name__ == "__main__":
    if os.fork():
        os._exit(0)
    import pkgutil
    from importlib import import_module

    import firetower.cli
    import firetower.tower
    import firetower.worker

    for package in (firetower.cli, firetower.worker):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    gc.collect()
    gc.freeze()  # the collector would write to every page, and so copy it for each command
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        _serve(orders)
    _end_with(firetower.cli.main)
