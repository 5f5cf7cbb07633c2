"""What is typed, read when it comes: Textual's own driver looks for it ten times a second."""

import os
import selectors
import signal
import sys
from typing import Any

from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from firetower.tui.signals import end, is_terminal_gone
from firetower.tui.text import TerminalDecoder

if sys.platform == "darwin":  # which polls no terminal
    Selector = selectors.SelectSelector
else:
    Selector = selectors.PollSelector  # select takes no file of a number above 1,023


class TerminalDriver(LinuxDriver):
    """Ends the app once its terminal is gone: where a hangup is ignored, no signal says so."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._stopped, self._stop = os.pipe()

    def disable_input(self) -> None:
        os.write(self._stop, b"\0")
        super().disable_input()  # waits for the thread, which takes no byte of these
        os.read(self._stopped, 1)

    def run_input_thread(self) -> None:
        parser, decoder = XTermParser(self._debug), TerminalDecoder()
        with Selector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            while True:
                # An escape is a key of its own unless something follows it soon.
                due = parser._timeout_time  # noqa: SLF001 - Textual asks each 0.1 s instead
                timeout = None if due is None else max(0.0, due - get_time())
                ready = [key.fd for key, _ in selector.select(timeout)]
                if self._stopped in ready:
                    return
                if ready and not (data := self._read()):
                    return
                for event in parser.feed(decoder.decode(data)) if ready else parser.tick():
                    self.process_message(event)

    def _read(self) -> bytes:
        """Return what was typed; nothing, and end the app, once the terminal is gone."""
        try:
            data = os.read(self.fileno, 4096)
        except OSError:
            if not is_terminal_gone():
                raise
            data = b""
        if not data:
            end(self._app, self._loop, signal.SIGHUP)
        return data
