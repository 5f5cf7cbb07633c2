"""The environment variables and folders of the program. Cheap to import: no SQL, no screen."""

import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import PlatformDirs

DATABASE_URL = "FIRETOWER_DATABASE_URL"
"""The database: a URL, or the path of an SQLite file."""
USER = "FIRETOWER_USER"
"""The name recorded with changes, instead of the login name."""
CAUSE = "FIRETOWER_CAUSE"
"""The `webhook-id` of the request that changes answer."""
READ_ONLY = "FIRETOWER_READ_ONLY"
"""1, true, yes or on: refuse every change."""
SECRET_KEY = "FIRETOWER_SECRET_KEY"  # noqa: S105 - the variable's name
"""The key that opens the secrets, instead of the key file; several with commas between."""
RUN = "FIRETOWER_RUN"
"""The run that a script joins: `run exec` sets it."""
RUN_TIMEOUT = "FIRETOWER_RUN_TIMEOUT"
"""How long a run may send no heartbeat until it has crashed: 5m."""
ALLOW_PRIVATE_TARGETS = "FIRETOWER_ALLOW_PRIVATE_TARGETS"
"""1, true, yes or on: send to link-local addresses and metadata services too."""

_FALSE = {"", "0", "false", "no", "off"}
_FOLDERS = PlatformDirs("firetower", appauthor=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of the environment variables; None where one is not set, or empty."""

    database_url: str | None
    user: str | None
    cause: str | None
    read_only: bool
    secret_key: str | None
    allow_private_targets: bool
    run: str | None
    run_timeout: str | None


def read_settings() -> Settings:
    """Read the environment as it is now."""
    return Settings(
        database_url=os.environ.get(DATABASE_URL) or None,
        user=os.environ.get(USER) or None,
        cause=os.environ.get(CAUSE) or None,
        read_only=_is_on(READ_ONLY),
        secret_key=os.environ.get(SECRET_KEY) or None,
        allow_private_targets=_is_on(ALLOW_PRIVATE_TARGETS),
        run=os.environ.get(RUN) or None,
        run_timeout=os.environ.get(RUN_TIMEOUT) or None,
    )


def _is_on(name: str) -> bool:
    return os.environ.get(name, "").lower() not in _FALSE


def data_folder() -> Path:
    """Return the folder of the default database and its key file (XDG).

    Raises RuntimeError for a user without a home.
    """
    return _FOLDERS.user_data_path


def app_log() -> Path:
    """Return the file that gets the tracebacks of the app's defects (XDG); it need not exist."""
    try:
        return _FOLDERS.user_log_path / "app.log"
    except RuntimeError:  # no home: nothing is kept
        return Path(os.devnull)


def config_file() -> Path:
    """Return the path of the app's configuration (XDG); the file need not exist."""
    try:
        return _FOLDERS.user_config_path / "config.toml"
    except RuntimeError:  # no home: nothing is configured
        return Path(os.devnull)
