"""A one-line row of tabs."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static


class TabLabel(Static):
    """One tab, to click on."""

    def __init__(self, name: str, *, current: bool) -> None:
        super().__init__(name.capitalize(), id=f"tab-{name}", classes="-current" if current else "")
        self.tab = name

    def on_click(self, event: events.Click) -> None:
        """Go there."""
        event.stop()
        if isinstance(self.parent, TabRow):
            self.parent.choose(self.tab)


class TabRow(Horizontal):
    """Names of tabs, one of them current, each with an optional count."""

    class Changed(Message):
        """Another tab is current."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, tabs: Sequence[str], *, current: str) -> None:
        super().__init__()
        self.tabs = tuple(tabs)
        self.current = current

    def compose(self) -> ComposeResult:
        for tab in self.tabs:
            yield TabLabel(tab, current=tab == self.current)

    def choose(self, tab: str) -> None:
        """Make a tab current."""
        if tab == self.current:
            return
        self.current = tab
        for label in self.query(TabLabel):
            label.set_class(label.tab == tab, "-current")
        self.post_message(self.Changed(tab))

    def step(self, by: int) -> None:
        """Make the next tab current, or the one before."""
        self.choose(self.tabs[(self.tabs.index(self.current) + by) % len(self.tabs)])

    def count(self, tab: str, number: int | None) -> None:
        """Show how many things a tab holds."""
        name = tab.capitalize()
        label = (
            Content(name)
            if number is None
            else Content.from_markup("$name [dim]$number[/]", name=name, number=f"{number:,}")
        )
        static = self.query_one(f"#tab-{tab}", TabLabel)
        if static.content != label:
            static.update(label)
