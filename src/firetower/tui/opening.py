"""What the app shows first, and the style sheets that it reads for it."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.css.stylesheet import Stylesheet

import firetower
from firetower.tui.page import StyledOnce
from firetower.tui.widgets.bar import Bar


def style_sheets() -> list[Path]:
    """Return every style sheet, the app's first: of the installed package, or of the checkout."""
    package = Path(firetower.__file__).parent
    installed = package / "styles"
    folder = installed if installed.is_dir() else package.parents[1] / "styles"
    return sorted(folder.glob("*.tcss"), key=lambda sheet: (sheet.stem != "app", sheet))


class StyleSheets(Stylesheet):
    """Parsed once for each theme: Textual parses them all again for each new screen."""

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)
            self._require_parse = True

    def reparse(self) -> None:
        if self._require_parse:
            super().reparse()


class OpeningScreen(StyledOnce[None]):
    """The top line at once, for imports take longer; keys pressed meanwhile wait."""

    def compose(self) -> ComposeResult:
        yield Bar("registry")
