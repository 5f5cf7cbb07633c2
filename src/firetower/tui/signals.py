"""Signals: the app ends with its terminal restored, and stops and resumes as a shell's job."""

import asyncio
import os
import signal
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

from textual.app import App

_ENDING = (
    *(signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGALRM, signal.SIGXCPU, signal.SIGVTALRM, signal.SIGPROF),
)
"""Those that end programs, as schedulers and limits send them too."""
_STOPPING = signal.SIGTSTP, signal.SIGCONT
SHUTDOWN_TIMEOUT = 30.0
"""Seconds in which it has to end: a worker, a database or the terminal may hold it up."""
FAILURE_TIMEOUT = 5.0
"""The same after a defect that ends it."""


def end_on_signals(app: App[Any]) -> None:
    """Leave the app on signals that end programs."""
    loop = asyncio.get_running_loop()

    def obey(number: int, _: FrameType | None) -> None:
        end(app, loop, number)

    # Not by the loop: it may be waiting for a terminal that takes nothing.
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, obey)


def end(app: App[Any], loop: asyncio.AbstractEventLoop, number: int) -> None:
    """Leave the app as after a signal, at once or after a while; may be called in any thread."""
    code = 128 + number
    _start_timer(SHUTDOWN_TIMEOUT, os._exit, code)
    if is_terminal_gone():
        null = os.open(os.devnull, os.O_RDWR)
        for file in range(3):
            os.dup2(null, file)
    loop.call_soon_threadsafe(partial(app.exit, return_code=code))


def is_terminal_gone() -> bool:
    """Return whether nobody can see or type anything any more."""
    try:
        termios.tcgetattr(0)
    except termios.error:
        return True
    return False


def _start_timer(seconds: float, function: Callable[..., object], *arguments: object) -> None:
    timer = threading.Timer(seconds, function, arguments)
    timer.daemon = True
    timer.start()


def end_failed(app: App[Any], said: str) -> None:
    """End a process whose app failed, soon, however much of it still works; print two lines."""

    def end() -> None:
        _start_timer(1, os._exit, 1)  # a terminal may take nothing
        restore_terminal(app)
        os.write(2, f"{said}\n".encode())
        os._exit(1)

    _start_timer(FAILURE_TIMEOUT, end)


def restore_terminal(app: App[Any]) -> None:
    """Give back the terminal where the app itself has not, and end the threads that use it."""
    driver: Any = app._driver  # noqa: SLF001 - nothing else of a failed app may work
    if driver is None:
        return
    with suppress(Exception):
        if termios.tcgetattr(driver.fileno) != driver.attrs_before:
            driver.write = lambda text: os.write(2, text.encode())
            driver.flush = lambda: None
            driver.stop_application_mode()
            driver._disable_mouse_support()  # noqa: SLF001 - it may have failed before
    with suppress(Exception):
        driver.close()


def stop_on_signals(app: App[Any]) -> Callable[[], None]:
    """Give the terminal back while the app is stopped, and draw all of it when it resumes.

    Textual's own handlers draw nothing then, and stop for good where no shell can continue it.
    Return what stops the whole job, as the terminal does on ctrl+z: a program may wait for this.
    """
    loop = asyncio.get_running_loop()

    def obey(number: int, target: int) -> None:
        for each in _STOPPING:
            loop.remove_signal_handler(each)
        with app.suspend():  # before the shell takes the terminal
            if number == signal.SIGTSTP:
                os.kill(target, signal.SIGTSTP)
            while not _has_terminal():
                os.kill(os.getpid(), signal.SIGSTOP)
        listen()

    def listen() -> None:
        for number in _STOPPING:
            loop.add_signal_handler(number, obey, number, os.getpid())

    listen()
    return partial(obey, signal.SIGTSTP, 0)


def _has_terminal() -> bool:
    """Return whether the app is in the foreground, or on no terminal at all."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return True
