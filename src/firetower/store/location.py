"""Where the database is."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from firetower.core.errors import InvalidInput
from firetower.settings import DATABASE_URL, SECRET_KEY, data_folder, read_settings

_SECRET = re.compile("password|secret|scram", re.IGNORECASE)
"""The parameters of libpq whose values are secrets: password, sslpassword, scram_client_key, …"""
_SHOWN = {
    *("host", "hostaddr", "port", "dbname", "user", "passfile", "application_name"),
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout", "target_session_attrs"),
}
"""The parameters that are shown."""
_HIDDEN = "***"
_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg"}
# libpq's `host=… password=…`, SQLite's names that are no files, URLs without their beginning or a
# colon or slash too few.
_NOT_A_PATH = re.compile(
    r"\s*(host|hostaddr|port|dbname|user|\w*password|service|ssl\w+|passfile|options)\s*="
    r"|[^/]*(password|passwd|pwd)\s*=|:memory:|(file|sqlite|postgres(ql)?(\+\w+)?|mysql|jdbc)(:|//)|[^/]*:[^/]*@",
    re.IGNORECASE,
)


_FOR_A_SHELL = re.compile(r"[\s'\"]|(sqlite:/*)?\$[\w{]|.*\s\Z", re.IGNORECASE | re.DOTALL)
"""Quotes, blanks and variables as in a file of variables that no shell reads."""
_HINT = "Use sqlite:///PATH, postgresql://USER@HOST/DATABASE, or the path of a file."


def _at_home(find: Callable[[], Path]) -> Path:
    """Return the path that a function finds. Raises InvalidInput for a user without a home."""
    try:
        return find()
    except RuntimeError:
        raise InvalidInput(
            "the home folder of this user is not known",
            f"Set HOME, or {DATABASE_URL} and, on PostgreSQL, {SECRET_KEY}.",
        ) from None


def _check_written(text: str) -> None:
    if "\0" in unquote(text):  # libpq would take what is before it, and connect elsewhere
        raise InvalidInput("the database's name has a NUL character in it", _HINT)
    if _FOR_A_SHELL.match(text):
        raise InvalidInput(
            "the database's name has quotes or blanks around it, or begins with a variable",
            "Write it whole, without quotes: only a shell takes them away and knows variables.",
        )


def _is_in_memory(url: URL) -> bool:
    """Return whether SQLite would keep nothing of a database."""
    name = (url.database or "").removeprefix("file:").partition("?")[0]
    return (
        name in {"", ":memory:"}
        or "mode=memory" in (url.database or "")
        or "memory" in url.query.get("mode", "")
        or "memdb" in url.query.get("vfs", "")
    )


def _check_hosts(url: URL) -> None:
    """Raise ValueError for a host that no name server could be asked for."""
    named = url.query.get("host", ())
    for hosts in (url.host or "", *((named,) if isinstance(named, str) else named)):
        for host in hosts.split(","):
            if not host.startswith(("/", "@")):  # a socket's path
                host.encode("idna")


@dataclass(frozen=True, slots=True)
class Location:
    """A database by its URL: an SQLite file, or a PostgreSQL database."""

    url: URL

    @classmethod
    def of(cls, url: str | None = None) -> "Location":
        """Read a URL or path; without one, the environment's or default. Raises InvalidInput."""
        text = url or read_settings().database_url or str(_at_home(data_folder) / "tower.db")
        _check_written(text)
        if "://" not in text:
            if _NOT_A_PATH.match(text):  # not repeated: it may hold a password
                raise InvalidInput("the database is neither a URL nor a file's path", _HINT)
            return cls(URL.create("sqlite", database=str(_at_home(Path(text).expanduser))))
        try:
            parsed = make_url(text)
            _check_hosts(parsed)
        except (ArgumentError, ValueError):
            raise InvalidInput("the database URL cannot be read", _HINT) from None
        if "@" in (parsed.host or ""):  # it would be shown as a part of the host's name
            raise InvalidInput(
                "the database URL has an @ in its user name or password", "Write it as %40 there."
            )
        if parsed.drivername in _POSTGRESQL:
            return cls(parsed.set(drivername="postgresql+psycopg"))
        if parsed.drivername == "sqlite":
            if _is_in_memory(parsed):
                raise InvalidInput("a database in memory would keep nothing", _HINT)
            if (database := parsed.database or "").startswith("~"):
                parsed = parsed.set(database=str(_at_home(Path(database).expanduser)))
            return cls(parsed)
        raise InvalidInput(f"Firetower cannot use the database {cls(parsed)}", _HINT)

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
        if self.path:
            return self.path.with_suffix(".key")
        return _at_home(data_folder) / "firetower.key"

    def hide(self, text: str) -> str:
        """Return a text, such as a driver's message, with the URL's passwords masked in it."""
        for value in self._secret_query().values():
            for one in (value,) if isinstance(value, str) else value:
                text = text.replace(one, _HIDDEN) if one else text
        password = str(self.url.password or "")
        return text.replace(password, _HIDDEN) if password else text

    def _secret_query(self) -> dict[str, str | tuple[str, ...]]:
        return {name: value for name, value in self.url.query.items() if _SECRET.search(name)}

    def __str__(self) -> str:
        """The URL without its passwords, or the file's path."""
        if self.path:
            return str(self.path)
        unknown = self.url.query.keys() - _SHOWN  # a misspelt password among them
        hidden = self.url.update_query_dict(dict.fromkeys(unknown, _HIDDEN))
        return hidden.render_as_string(hide_password=True).replace(quote(_HIDDEN), _HIDDEN)
