"""The Feed screen: all executions, full height."""

from typing import ClassVar

from textual.app import ComposeResult

from firetower.tui.actions import bindings_of
from firetower.tui.details.execution import read_execution
from firetower.tui.messages import DatabaseChanged, RedeliverFailed, post
from firetower.tui.page import Page
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.feed import Feed
from firetower.tui.widgets.heat import HeatStrip
from firetower.tui.widgets.key_line import KeyLine


class FeedScreen(Page[None]):
    """The live feed."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own
    BINDINGS: ClassVar = bindings_of("feed")

    def __init__(self) -> None:
        super().__init__()
        self.feed = Feed(
            id="feed",
            empty="Nothing has fired yet.\nMake an automation in the Automations tab of a registry "
            "(1) or project (2); each firing shows here.",
            detail=read_execution,
        )

    def compose(self) -> ComposeResult:
        yield Bar("feed")
        yield HeatStrip()
        yield self.feed
        yield KeyLine()

    def on_mount(self) -> None:
        self.feed.table.focus()

    def on_screen_resume(self) -> None:
        self.query_one(HeatStrip).read()
        self.feed.catch_up()

    def on_database_changed(self, event: DatabaseChanged) -> None:
        self.feed.show_change(event)
        self.query_one(HeatStrip).changed = True

    def action_redeliver_failed(self) -> None:
        post(self, RedeliverFailed())
