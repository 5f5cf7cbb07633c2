"""Signals: the app ends with its terminal restored, and stops and resumes as a shell's job."""

import asyncio
import os
import signal
import termios
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from textual.app import App

_ENDING = signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT
_STOPPING = signal.SIGTSTP, signal.SIGCONT
SHUTDOWN_TIMEOUT = 30.0
"""Seconds in which it has to end: a worker, a database or the terminal may hold it up."""


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
    deadline = threading.Timer(SHUTDOWN_TIMEOUT, os._exit, (code,))
    deadline.daemon = True
    deadline.start()
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
