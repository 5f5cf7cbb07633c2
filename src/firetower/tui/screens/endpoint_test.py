"""Testing an endpoint: what a test sends where, then the answer."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Label, Static

from firetower.core.errors import FiretowerError
from firetower.tui.actions import bindings_of
from firetower.tui.details.endpoint import answer_line, test_words
from firetower.tui.page import Dialog
from firetower.tui.session import in_background, session_of
from firetower.tui.text import body_lines, lines, plain

if TYPE_CHECKING:
    from firetower.delivery.endpoint_test import EndpointTest


class EndpointTestScreen(Dialog["EndpointTest | None"]):
    """Says what a test sends, sends it when told to, and shows the answer below."""

    BINDINGS: ClassVar = bindings_of("endpoint-test", "buttons")

    def __init__(self, name: str) -> None:
        super().__init__()
        self.endpoint = name
        self._test: EndpointTest | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(plain(f"Test {self.endpoint}?"), classes="dialog--title")
            yield Static("Loading …", classes="dialog--detail")
            yield Static("", classes="endpoint-test--answer")
            with VerticalScroll(classes="endpoint-test--scroll", can_focus=False):
                yield Static("", classes="endpoint-test--body")
            with Horizontal(classes="dialog--buttons"):
                yield Static("t sends", classes="ask--keys")
                yield Button("Copy", id="copy", action="screen.copy", compact=True)
                yield Button("Cancel", id="close", action="screen.back", compact=True)
                send = Button("Send test", id="send", action="screen.test", compact=True)
                send.variant = "primary"
                yield send

    def on_mount(self) -> None:
        for name in ("#copy", ".endpoint-test--answer", ".endpoint-test--scroll"):
            self.query_one(name).display = False
        self.query_one("#send", Button).disabled = True
        self.query_one("#close", Button).focus()
        self._read()

    @in_background
    async def _read(self) -> None:
        said = self.query_one(".dialog--detail", Static)
        try:
            endpoint = await session_of(self).ask(lambda tower: tower.endpoints.find(self.endpoint))
        except FiretowerError as error:
            said.update(lines(error.text))
        else:
            said.update(test_words(endpoint))
            self.query_one("#send", Button).disabled = False

    def action_test(self) -> None:
        """Send it, unless one is under way."""
        send = self.query_one("#send", Button)
        if not send.disabled:
            send.disabled = True
            self._send()

    @in_background
    async def _send(self) -> None:
        self._show(Content.styled("▸ sending …", "dim"))
        try:
            test = await session_of(self).ask_slowly(
                lambda tower: tower.endpoints.test(self.endpoint)
            )
        except FiretowerError as error:
            self._show(Content.styled("✗ not sent", "$error"), lines(error.text))
        else:
            self._test = test
            self._show(answer_line(test), body_lines(test.answer.body, "y copies all"))
            self.query_one("#copy").display = bool(test.answer.body)
        finally:
            self.query_one("#close", Button).label = "Close"
            send = self.query_one("#send", Button)
            send.label, send.disabled = "Test again", False

    def _show(self, line: Content, body: Content | None = None) -> None:
        answer = self.query_one(".endpoint-test--answer", Static)
        answer.display = True
        answer.update(line)
        self.query_one(".endpoint-test--body", Static).update(body or "")
        self.query_one(".endpoint-test--scroll").display = bool(body)

    def action_back(self) -> None:
        """Leave, with the last test that was answered."""
        self.dismiss(self._test)

    def action_copy(self) -> None:
        if self._test is not None and self._test.answer.body:
            self.app.copy_to_clipboard(self._test.answer.body)
            self.notify("Copied the answer.")
        else:
            self.notify("There is no answer's body yet.", severity="warning")
