"""Testing an endpoint."""

from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Label, Static

from firetower.core.endpoints import EndpointKind
from firetower.core.errors import FiretowerError
from firetower.core.text import visible
from firetower.tui.actions import bindings_of
from firetower.tui.command import run_command
from firetower.tui.execution_text import pretty
from firetower.tui.page import Dialog
from firetower.tui.session import session_of
from firetower.tui.text import lines, milliseconds, plain


class EndpointTestScreen(Dialog[None]):
    """Sends a test request from a process of its own, and shows what came back."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("endpoint-test", "buttons")

    def __init__(self, name: str, kind: EndpointKind) -> None:
        super().__init__()
        self.endpoint = name
        self.kind = kind
        self._answer: dict[str, Any] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the answer."""
        with Vertical(classes="dialog"):
            yield Label(plain(f"Test of {self.endpoint}"), classes="dialog--title")
            yield Static("", classes="endpoint-test--answer")
            with VerticalScroll(classes="endpoint-test--scroll", can_focus=False):
                yield Static("", classes="endpoint-test--body")
            with Horizontal(classes="dialog--buttons"):
                yield Button("Copy", id="copy", compact=True)
                yield Button("Test again", id="again", compact=True)
                yield Button("Close", id="close", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Send it."""
        self.query_one("#close", Button).focus()
        self.action_test()

    def action_test(self) -> None:
        """Send it, unless one is under way."""
        again = self.query_one("#again", Button)
        if not again.disabled:
            again.disabled = True
            self._send()

    @work(exit_on_error=False)
    async def _send(self) -> None:
        self._answer = None
        self._show(Content.styled("▸ sending …", "dim"), "")
        database = session_of(self).database
        try:
            answer = await run_command(database, self.kind.value, "test", self.endpoint, "--json")
        except FiretowerError as error:
            self._show(Content.styled("✗ not sent", "$error"), error.text)
        else:
            self._answer = answer
            self._show(answer_line(answer), pretty(answer["response_body"]))
        finally:
            self.query_one("#again", Button).disabled = False

    def _show(self, line: Content, body: str) -> None:
        self.query_one(".endpoint-test--answer", Static).update(line)
        self.query_one(".endpoint-test--body", Static).update(lines(body))
        self.query_one(".endpoint-test--scroll").display = bool(body)

    def action_copy(self) -> None:
        """Copy the answer's body."""
        body = "" if self._answer is None else self._answer["response_body"]
        if body:
            self.app.copy_to_clipboard(body)
            self.notify("Copied the answer.", markup=False)
        else:
            self.notify("The answer has no body.", severity="warning", markup=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        event.stop()
        match event.button.id:
            case "close":
                self.dismiss(None)
            case "again":
                self.action_test()
            case _:
                self.action_copy()


def answer_line(answer: dict[str, Any]) -> Content:
    """Return an answer in one line: "✓ 202 in 34 ms"."""
    good = answer["succeeded"]
    said = answer["error"] or answer["status_code"]
    return Content.from_markup(
        "[$success]$glyph $said[/] [dim]in $took[/]"
        if good
        else "[$error]$glyph $said[/] [dim]in $took[/]",
        glyph="✓" if good else "✗",
        said=visible(str(said)),
        took=milliseconds(answer["duration_ms"]),
    )
