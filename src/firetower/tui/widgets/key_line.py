"""The line of keys at the bottom."""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


class KeyLine(Footer):
    """A footer whose way to the help is always in sight; what does not fit stands there."""

    _AT_THE_EDGE = "-command-palette"
    """Textual's own class for what is docked on the right."""

    def __init__(self) -> None:
        super().__init__(compact=True)

    def compose(self) -> ComposeResult:
        """Lay out the keys that work here."""
        keys: Iterable[Widget] = list(super().compose())
        for key in keys:
            if isinstance(key, FooterKey):
                key.set_class(key.action == "help", self._AT_THE_EDGE)
            yield key
