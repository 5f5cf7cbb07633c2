"""Where the app's own files are; without Textual, so that commands can tell of it."""

from pathlib import Path

from platformdirs import PlatformDirs


def config_file() -> Path:
    """Return where the user's choices of theme and keys are looked for (XDG)."""
    return PlatformDirs("firetower", appauthor=False).user_config_path / "config.toml"
