"""The app's colours: one accent, ember, and everything else quiet."""

from textual.theme import Theme

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
        "footer-key-foreground": "#b8461a",
        "block-cursor-text-style": "none",
    },
)

THEMES = (DARK, LIGHT)
NAMES = {"dark": DARK.name, "light": LIGHT.name, "ansi": "ansi-dark"}
"""What the config file calls each theme."""

VARIABLES = {"muted": "ansi_bright_black"}
"""The colours of our own that a theme of someone else's lacks."""
