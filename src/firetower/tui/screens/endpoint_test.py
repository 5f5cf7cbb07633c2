"""Testing an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Label, Static

from firetower.core.errors import FiretowerError
from firetower.tui.actions import bindings_of
from firetower.tui.page import Dialog
from firetower.tui.session import in_background, session_of
from firetower.tui.text import body_lines, lines, mark, milliseconds, plain

if TYPE_CHECKING:
    from firetower.delivery.endpoint_test import EndpointTest


class EndpointTestScreen(Dialog[None]):
    """Sends a test request and shows the answer."""

    BINDINGS: ClassVar = bindings_of("endpoint-test", "buttons")

    def __init__(self, name: str) -> None:
        super().__init__()
        self.endpoint = name
        self._body = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(plain(f"Test of {self.endpoint}"), classes="dialog--title")
            yield Static("", classes="endpoint-test--answer")
            with VerticalScroll(classes="endpoint-test--scroll", can_focus=False):
                yield Static("", classes="endpoint-test--body")
            with Horizontal(classes="dialog--buttons"):
                yield Button("Copy", action="screen.copy", compact=True)
                yield Button("Test again", id="again", action="screen.test", compact=True)
                close = "screen.back"
                yield Button("Close", id="close", action=close, variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one("#close", Button).focus()
        self.action_test()

    def action_test(self) -> None:
        """Send it, unless one is under way."""
        again = self.query_one("#again", Button)
        if not again.disabled:
            again.disabled = True
            self._send()

    @in_background
    async def _send(self) -> None:
        self._body = ""
        self._show(Content.styled("▸ sending …", "dim"))
        try:
            test = await session_of(self).ask_slowly(
                lambda tower: tower.endpoints.test(self.endpoint)
            )
        except FiretowerError as error:
            self._show(Content.styled("✗ not sent", "$error"), lines(error.text))
        else:
            self._body = test.answer.body
            self._show(_answer_line(test), body_lines(self._body, "y copies all"))
        finally:
            self.query_one("#again", Button).disabled = False

    def _show(self, line: Content, body: Content | None = None) -> None:
        self.query_one(".endpoint-test--answer", Static).update(line)
        self.query_one(".endpoint-test--body", Static).update(body or "")
        self.query_one(".endpoint-test--scroll").display = bool(body)

    def action_copy(self) -> None:
        if self._body:
            self.app.copy_to_clipboard(self._body)
            self.notify("Copied the answer.")
        else:
            self.notify("The answer has no body.", severity="warning")


def _answer_line(test: EndpointTest) -> Content:
    """Return an answer in one line: "✓ 202 in 34 ms"."""
    style = "$success" if test.answer.succeeded else "$error"
    answer = mark(test.answer.succeeded) + plain(test.answer.words).stylize(style)
    return Content.assemble(answer, " ", (f"in {milliseconds(test.duration_ms)}", "dim"))
