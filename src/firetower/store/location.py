"""Where the database is."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from firetower.core.errors import InvalidInput
from firetower.settings import data_folder, read_settings

_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg"}


@dataclass(frozen=True, slots=True)
class Location:
    """A database by its URL: an SQLite file, or a PostgreSQL database."""

    url: URL

    @classmethod
    def of(cls, url: str | None = None) -> "Location":
        """Read a URL or path; without one, the environment's or default. Raises InvalidInput."""
        text = url or read_settings().database_url or str(data_folder() / "tower.db")
        if "://" not in text:
            return cls(URL.create("sqlite", database=str(Path(text).expanduser())))
        hint = "Use sqlite:///PATH, postgresql://USER@HOST/DATABASE, or the path of a file."
        try:
            parsed = make_url(text)
        except (ArgumentError, ValueError):
            raise InvalidInput("the database URL cannot be read", hint) from None
        if parsed.drivername in _POSTGRESQL:
            return cls(parsed.set(drivername="postgresql+psycopg"))
        if parsed.drivername == "sqlite" and parsed.database not in {None, "", ":memory:"}:
            return cls(parsed)
        raise InvalidInput(f"Firetower cannot use the database {cls(parsed)}", hint)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file on this machine."""
        return self.url.drivername == "sqlite"

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database."""
        if not self.is_sqlite or self.url.database is None:
            return None
        return Path(self.url.database.removeprefix("file:"))

    @property
    def key_file(self) -> Path:
        """The file of the secret key, beside the data; the environment's key comes first."""
        return self.path.with_suffix(".key") if self.path else data_folder() / "firetower.key"

    def __str__(self) -> str:
        """The URL without its password, or the file's path."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)
