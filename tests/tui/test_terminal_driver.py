"""What is typed reaches the app, and nothing is looked for in between."""

import os
import pty
import select
import signal
import tty
from collections.abc import Sequence
from queue import Queue
from threading import Thread
from typing import Any, cast

import pytest
from textual.app import App
from textual.events import Key
from textual.message import Message

from firetower.tui import terminal_driver
from firetower.tui.terminal_driver import TerminalDriver
from waiting import TIMEOUT


@pytest.mark.anyio
async def test_only_what_is_typed_wakes_the_thread_of_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float | None] = []
    pressed = Queue[Message]()

    def wait(
        files: Sequence[int], _: object, __: object, timeout: float | None
    ) -> tuple[list[int], list[int], list[int]]:
        waits.append(timeout)
        return select.select(files, [], [], timeout)

    monkeypatch.setattr(terminal_driver, "wait", wait)
    outer, inner = pty.openpty()
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
