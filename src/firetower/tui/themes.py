"""The app's colours: one accent, ember, and everything else quiet; and its style sheets."""

from functools import lru_cache
from pathlib import Path

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.filter import LineFilter
from textual.theme import Theme

import firetower

DARK = Theme(
    name="firetower-dark",
    primary="#e8743b",
    secondary="#c9a27c",
    accent="#e8743b",
    foreground="#d8d4cf",
    background="#161513",
    surface="#1e1c1a",
    panel="#282522",
    success="#7fb069",
    warning="#e0b04c",
    error="#e05d5d",
    variables={
        "muted": "#8d8780",
        "on-accent": "#161513",
        "footer-key-foreground": "#e8743b",
        "block-cursor-text-style": "none",
    },
)

LIGHT = Theme(
    name="firetower-light",
    primary="#b8461a",
    secondary="#8a6238",
    accent="#b8461a",
    foreground="#2a2724",
    background="#faf8f5",
    surface="#f1eee9",
    panel="#e6e1da",
    success="#3f7a2c",
    warning="#946200",
    error="#b3261e",
    dark=False,
    variables={
        "muted": "#766f67",
        "on-accent": "#faf8f5",
        "footer-key-foreground": "#b8461a",
        "block-cursor-text-style": "none",
    },
)

ANSI = Theme(
    name="firetower-ansi",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    variables={
        "muted": "ansi_bright_black",
        "on-accent": "ansi_black",
        "footer-key-foreground": "ansi_cyan",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_cyan",
        "block-cursor-text-style": "none",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-cursor-text-style": "none",
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_cyan",
        "screen-selection-foreground": "ansi_black",
    },
)
"""The terminal's own 16 colours. Its accent is no colour of a state: ember would become red."""

THEMES = (DARK, LIGHT, ANSI)
NAMES = {"dark": DARK.name, "light": LIGHT.name, "ansi": ANSI.name}
"""What the config file calls each theme."""

VARIABLES = {"muted": "ansi_bright_black", "on-accent": "ansi_black"}
"""The colours of our own that a theme of someone else's lacks."""


def style_sheets() -> list[Path]:
    """Return every style sheet, the app's first: of the installed package, or of the checkout."""
    package = Path(firetower.__file__).parent
    installed = package / "styles"
    folder = installed if installed.is_dir() else package.parents[1] / "styles"
    return sorted(folder.glob("*.tcss"), key=lambda sheet: (sheet.stem != "app", sheet))


class StyleSheets(Stylesheet):
    """Parsed once for each theme: Textual parses them all twice, and again for each new screen."""

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)
            self._require_parse = True

    def reparse(self) -> None:
        if self._require_parse:
            self.parse()


_GREY = 8
"""The number of what is muted in the theme `ansi`."""


class WithoutColour(LineFilter):
    """Draws what has a background in reverse, what is muted dim, and the rest without colours.

    For NO_COLOR. Textual's own makes greys of colours: of the terminal's default ones, black.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments without colours."""
        return [
            Segment(text, style and _without_colour(style), control)
            for text, style, control in segments
        ]


@lru_cache(1024)
def _without_colour(style: Style) -> Style:
    colour, behind = style.color, style.bgcolor
    return Style(
        bold=style.bold,
        dim=style.dim or (colour is not None and colour.number == _GREY),
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
        reverse=style.reverse or not (behind is None or behind.is_default),
        meta=style.meta,
    )
