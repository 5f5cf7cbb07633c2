"""What is typed reaches the app, and nothing is looked for in between."""

import fcntl
import os
import pty
import resource
import signal
import tty
from queue import Queue
from selectors import SelectorKey
from threading import Thread
from typing import Any, cast

import pytest
from textual.app import App
from textual.events import Key
from textual.message import Message

from firetower.tui import terminal_driver
from firetower.tui.terminal_driver import Selector, TerminalDriver
from waiting import TIMEOUT

HIGH = 1_024
"""The number of a file that `select` refuses."""


@pytest.mark.anyio
async def test_only_what_is_typed_wakes_the_thread_of_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float | None] = []
    pressed = Queue[Message]()

    class Watched(Selector):
        def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
            waits.append(timeout)
            return super().select(timeout)

    monkeypatch.setattr(terminal_driver, "Selector", Watched)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], HIGH + 100), limits[1]))
    outer, low = pty.openpty()
    inner = fcntl.fcntl(low, fcntl.F_DUPFD, HIGH)  # as where a parent has left many open
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    tty.setraw(inner)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    driver = TerminalDriver(cast("App[Any]", None), mouse=False)
    driver.fileno = inner
    monkeypatch.setattr(driver, "process_message", pressed.put)
    thread = driver._key_thread = Thread(target=driver.run_input_thread, daemon=True)
    thread.start()
    for typed, key in ((b"a", "a"), (b"\xff", "\ufffd"), (b"\x1b", "escape"), (b"\x1b[A", "up")):
        os.write(outer, typed)
        event = pressed.get(timeout=TIMEOUT)
        assert isinstance(event, Key)
        assert key in {event.key, event.character}
    driver.disable_input()
    assert not thread.is_alive()
    assert waits.count(None) == 5
