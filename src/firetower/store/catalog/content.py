"""Reading the files of a version: size and sha256 of each, and one digest over all."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from firetower.core.catalog import Content, Entry
from firetower.core.errors import InvalidInput
from firetower.core.json import dump
from firetower.core.text import quoted, visible

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes there are."""

_CHUNK = 1 << 20


def read_content(
    paths: Iterable[str | os.PathLike[str]],
    references: Iterable[str] = (),
    progress: Progress | None = None,
) -> Content:
    """Hash files, folders and references into a version's content.

    A folder's files are named from within it, a file by its own name, a reference by its URI.
    Files are streamed: the size of one does not matter. Raises InvalidInput for a path that does
    not exist, cannot be read or is no regular file, and for two entries of one name.
    """
    files = [found for path in paths for found in _files(Path(path))]
    total = sum(size for _, _, size in files)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    entries = [Entry(path=name, **_hash(path, advance)) for name, path, _ in files]
    entries += [Entry(path=uri, uri=_checked_uri(uri)) for uri in references]
    entries.sort(key=lambda entry: entry.path)
    for before, after in pairwise(entries):
        if before.path == after.path:
            raise InvalidInput(
                f"two entries are named {quoted(before.path)}",
                "Log one of them, or put them into one folder and log that.",
            )
    return Content(entries=tuple(entries), digest=digest_of(entries))


def digest_of(entries: Iterable[Entry]) -> str:
    """Return the sha256 over the sorted entries' names and contents, in hexadecimal."""
    rows = [[entry.path, entry.sha256, entry.uri] for entry in entries]
    return hashlib.sha256(dump(rows).encode("ascii")).hexdigest()


def _files(path: Path) -> Iterator[tuple[str, Path, int]]:
    """Yield each file below a path with its name in the version and its size in bytes."""
    try:
        if not path.is_dir():
            yield _name(path.name), path, _size(path)
            return
        for folder, folders, names in os.walk(path, onerror=_raise):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                yield _name(file.relative_to(path).as_posix()), file, _size(file)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _raise(error: OSError) -> None:
    raise error


def _size(path: Path) -> int:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise InvalidInput(
            f"{visible(str(path))} is not a regular file", "Log files and folders only."
        )
    return found.st_size


def _name(name: str | Path) -> str:
    """Return a file's name as text: bytes that are not UTF-8 are written as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _hash(path: Path, advance: Callable[[int], None]) -> dict[str, object]:
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                advance(len(chunk))
    except OSError as error:
        raise _unreadable(path, error) from None
    return {"size": size, "sha256": digest.hexdigest()}


def _unreadable(path: Path, error: OSError | ValueError) -> InvalidInput:
    named = getattr(error, "filename", None) or path
    reason = getattr(error, "strerror", None) or str(error)
    return InvalidInput(
        f"{visible(_name(named))} cannot be read: {reason}",
        "Check the path and its rights; nothing was logged.",
    )


def _checked_uri(uri: str) -> str:
    scheme, separator, rest = uri.partition("://")
    if not separator or not scheme.isalnum() or not rest or not uri.isprintable():
        raise InvalidInput(
            f"reference {quoted(uri)} is not a URI", "Write it as s3://BUCKET/KEY or https://…."
        )
    return uri
