"""Where the style sheets are."""

from pathlib import Path

import firetower


def style_folder() -> Path:
    """Return the installed package's `styles`, or the checkout's."""
    package = Path(firetower.__file__).parent
    installed = package / "styles"
    return installed if installed.is_dir() else package.parents[1] / "styles"


def style_sheets() -> list[Path]:
    """Return every style sheet, the app's first."""
    sheets = sorted(style_folder().glob("*.tcss"))
    return sorted(sheets, key=lambda sheet: sheet.stem != "app")
