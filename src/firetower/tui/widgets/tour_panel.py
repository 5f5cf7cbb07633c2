"""A step of the tour, shown above what it is about."""

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static


class TourPanel(Static):
    """Says what to do next; a click or the key 0 ends the tour."""

    class Ended(Message):
        """The user ends the tour."""

    def __init__(self, says: str) -> None:
        super().__init__("")
        self._says = ""
        self.say(says)

    def on_mount(self) -> None:
        self.screen.add_class("-tour")

    def on_unmount(self) -> None:
        self.screen.remove_class("-tour")

    def say(self, says: str) -> None:
        """Show a step."""
        if says != self._says:
            self._says = says
            self.update(
                Content.from_markup("[b $accent]Tour[/] $says  [dim]0 ends it[/]", says=says)
            )

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Ended())
