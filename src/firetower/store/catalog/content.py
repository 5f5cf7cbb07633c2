"""Reading the files of a version: size and sha256 of each, and one digest over all."""

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from firetower.core.catalog import Content, Entry, check_no_password
from firetower.core.errors import InvalidInput
from firetower.core.json import dump
from firetower.core.references import check_texts
from firetower.core.text import quoted, shortened, visible

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes there are."""

_CHUNK = 1 << 20
_CLOCK_TICK = 20_000_000
"""Nanoseconds in which a file system may give two changes of a file the same time."""
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/*[^/].*")
"""A scheme by RFC 3986, and something after it."""
_EMPTY_HINT = "Check the path. For a version without content give --empty (Python: empty=True)."


def read_content(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    references: Iterable[str] = (),
    progress: Progress | None = None,
    *,
    empty: bool = False,
) -> Content:
    """Hash files, folders and references into a version's content.

    A folder's files are named from within it, a file by its own name, a reference by its URI.
    Links are followed. Files are streamed: the size of one does not matter. Raises InvalidInput
    for a path that does not exist, cannot be read or is no regular file, for a file that changes
    meanwhile, and for two entries of one name. Nothing at all, and a folder without files, is
    refused unless it may be `empty`.
    """
    files = [file for path in check_texts(paths, "paths") for file in _files(path, empty=empty)]
    total = sum(size for _, _, size in files)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    entries = [Entry(path=name, **_hash(path, advance)) for name, path, _ in files]
    uris = map(_checked_uri, check_texts(references, "references"))
    entries += [Entry(path=uri, uri=uri) for uri in uris]
    if not entries and not empty:
        raise InvalidInput("there is nothing to log: no file and no reference", _EMPTY_HINT)
    entries.sort(key=lambda entry: entry.path)
    if twice := next((one for one, other in pairwise(entries) if one.path == other.path), None):
        raise InvalidInput(
            f"two entries are named {quoted(twice.path)}",
            "Log one of them, or put them into one folder and log that.",
        )
    return Content(entries=tuple(entries), digest=digest_of(entries))


def digest_of(entries: Iterable[Entry]) -> str:
    """Return the sha256 over the sorted entries' names and contents, in hexadecimal."""
    rows = [[entry.path, entry.sha256, entry.uri] for entry in entries]
    return hashlib.sha256(dump(rows).encode("ascii")).hexdigest()


def _files(text: str, *, empty: bool) -> list[tuple[str, Path, int]]:
    """Return each file below a path with its name in the version and its size in bytes."""
    if not text:
        raise InvalidInput("a path is empty", "Give it as a string, or a Path.")
    found = list(_files_below(Path(text)))
    if not found and not empty:
        raise InvalidInput(f"{visible(text)} has no files in it", _EMPTY_HINT)
    return found


def _files_below(path: Path) -> Iterator[tuple[str, Path, int]]:
    no_folders: frozenset[tuple[int, int]] = frozenset()
    waiting = [(path, "", no_folders)]
    while waiting:
        here, name, above = waiting.pop()
        try:
            found = here.stat()
            if stat.S_ISREG(found.st_mode):
                yield _name(name or here.name), here, found.st_size
                continue
            if not stat.S_ISDIR(found.st_mode):
                raise InvalidInput(
                    f"{visible(str(here))} is not a regular file", "Log files and folders only."
                )
            folder = (found.st_dev, found.st_ino)
            if folder in above:
                raise InvalidInput(
                    f"{visible(str(here))} links to a folder that it is in",
                    "Remove the link, or log the folders beside it; nothing was logged.",
                )
            children = sorted(here.iterdir(), reverse=True)
        except (OSError, ValueError) as error:
            raise _unreadable(here, error) from None
        start = f"{name}/" if name else ""
        waiting += [(child, start + child.name, above | {folder}) for child in children]


def _name(name: str | Path) -> str:
    """Return a file's name as text: bytes that are not UTF-8 are written as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _hash(path: Path, advance: Callable[[int], None]) -> dict[str, object]:
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if 0 <= time.time_ns() - before.st_ctime_ns < _CLOCK_TICK:
                time.sleep(_CLOCK_TICK / 1e9)  # a change from now on gets another time
                before = os.fstat(file.fileno())
            while size <= before.st_size and (chunk := file.read(_CHUNK)):
                digest.update(chunk)
                size += len(chunk)
                advance(len(chunk))
        after = path.stat()  # by its name: it may be another file by now
    except OSError as error:
        raise _unreadable(path, error) from None
    if size != before.st_size or _state(before) != _state(after):
        raise InvalidInput(
            f"{visible(str(path))} changed while it was read",
            "Log it again once nothing writes to it; nothing was logged.",
        )
    return {"size": size, "sha256": digest.hexdigest()}


def _state(found: os.stat_result) -> tuple[int, ...]:
    times = found.st_mtime_ns, found.st_ctime_ns
    return found.st_dev, found.st_ino, found.st_size, *times


def _unreadable(path: Path, error: OSError | ValueError) -> InvalidInput:
    reason = getattr(error, "strerror", None) or str(error)
    link = ""
    with suppress(OSError, ValueError):  # it is none
        link = f" (a link to {visible(str(path.readlink()))})"
    return InvalidInput(
        f"{visible(shortened(str(path), 400))}{link} cannot be read: {reason}",
        "Check the path and its rights; nothing was logged.",
    )


def _checked_uri(uri: str) -> str:
    check_no_password(uri)
    if not _URI.fullmatch(uri) or not uri.isprintable():
        raise InvalidInput(
            f"reference {quoted(shortened(uri, 80))} is not a URI",
            "Write it as s3://BUCKET/KEY, https://… or models:/NAME/1.",
        )
    return uri
