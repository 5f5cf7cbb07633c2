"""The files of artifacts: kept once under their MD5, at signed addresses instead of a key."""

import asyncio
import base64
import binascii
import hashlib
import logging
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from firetower.core.catalog import Entry
from firetower.core.errors import InvalidInput, NotFound, StoreError
from firetower.core.manifests import write_manifest
from firetower.server.settings import ServerSettings
from firetower.store.catalog.versions import find_by_key, find_home, read_entries, show
from firetower.store.store import Store
from firetower.store.uploads import read_upload, save_manifest

_log = logging.getLogger(__name__)
DROPPED = "/storage/dropped/"
"""Where files of runs are sent, which are not kept."""
MANIFESTS = "/storage/manifests/"
"""Followed by an artifact's key."""
FILES = "/storage/files/"
"""Followed by a file's MD5."""
READ_TIMEOUT = 60.0
"""Seconds for the body of a request; of a file for its next bytes."""
_HEX = re.compile(r"[0-9a-f]{32}")
_PIECE = 1 << 20
"""Bytes that are hashed and written at a time."""
_ARRIVING = ".arriving-"
_DAY = 86_400


def md5_of(digest: str | None) -> str | None:
    """Return an MD5 in hexadecimal from the base64 of W&B's SDK; None for anything else."""
    try:
        found = base64.b64decode(digest or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return found.hex() if len(found) == 16 else None


class FileStore:
    """A folder of files, each named by its MD5: content that is there is never sent again."""

    def __init__(self, folder: Path) -> None:
        """Make the folder unless it is there. Raises StoreError."""
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise StoreError(
                f"files cannot be kept in {folder}: {error.strerror}",
                "Choose another folder with --files, or make it writable.",
            ) from None

    def path(self, md5: str) -> Path | None:
        """Return where the file of a digest is; None where it is not kept."""
        path = self._place(md5)
        return path if path.is_file() else None

    def keeps(self, entry: Entry) -> bool:
        """Return whether an entry's file is kept; a reference has none."""
        md5 = md5_of(entry.checksum)
        return entry.uri is not None or (md5 is not None and self.path(md5) is not None)

    def _place(self, md5: str) -> Path:
        if not _HEX.fullmatch(md5):
            raise InvalidInput("this is no MD5", "Give 32 hexadecimal digits.")
        return self.folder / md5[:2] / md5

    async def receive(self, md5: str, content: AsyncIterator[bytes]) -> None:
        """Keep a file that arrives in pieces, once it is whole and has this digest.

        Raises InvalidInput for another digest, StoreError where the disk refuses.
        """
        place = self._place(md5)
        try:
            arriving = await asyncio.to_thread(_Arriving, place)
            try:
                await _write_all(content, arriving)
                await asyncio.to_thread(arriving.keep, md5)
            finally:
                arriving.forget()
        except ConnectionError:  # the client went away
            raise
        except OSError as error:
            raise StoreError(
                f"a file cannot be kept in {self.folder}: {error.strerror}",
                "Make room there; the script sends it again.",
            ) from None

    def sweep(self) -> None:
        """Delete what was left behind by servers that were killed."""
        for path in self.folder.glob(f"*/{_ARRIVING}*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _DAY:
                    path.unlink()


async def read_body(request: web.Request) -> bytes:
    """Return the body of a request. Raises InvalidInput where it arrives too slowly."""
    with _in_time():
        async with asyncio.timeout(READ_TIMEOUT):
            return await request.read()


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    """Yield what arrives of a file. Raises InvalidInput once nothing does."""
    while True:
        with _in_time():
            async with asyncio.timeout(READ_TIMEOUT):
                piece = await request.content.readany()
        if not piece:
            return
        yield piece


@contextmanager
def _in_time() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise InvalidInput(
            f"the request did not arrive within {READ_TIMEOUT:g} s", "Send it again."
        ) from None


async def _write_all(content: AsyncIterator[bytes], arriving: "_Arriving") -> None:
    """Write a file: one piece is hashed and written while the next one arrives."""
    piece = bytearray()
    writing: asyncio.Task[None] | None = None
    try:
        async for chunk in content:
            piece += chunk
            if len(piece) >= _PIECE:
                if writing is not None:
                    await writing
                writing = asyncio.create_task(asyncio.to_thread(arriving.write, piece))
                piece = bytearray()
    finally:
        if writing is not None:
            await writing
    await asyncio.to_thread(arriving.write, piece)


class _Arriving:
    """A file that is not whole yet, under another name beside its place."""

    def __init__(self, place: Path) -> None:
        place.parent.mkdir(exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=_ARRIVING)
        self._place, self._path = place, Path(name)
        self._file = os.fdopen(handle, "wb")
        self._digest = hashlib.md5(usedforsecurity=False)

    def write(self, piece: bytearray) -> None:
        self._digest.update(piece)
        self._file.write(piece)

    def keep(self, md5: str) -> None:
        """Give it its name, on disk for good. Raises InvalidInput for another digest."""
        if self._digest.hexdigest() != md5:
            raise InvalidInput(
                f"the file's MD5 is {self._digest.hexdigest()}, not {md5}", "Send it again."
            )
        self._file.flush()
        os.fsync(self._file.fileno())
        self._path.rename(self._place)

    def forget(self) -> None:
        """Delete it, unless it was kept."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # on a full disk: it writes what is left
            self._file.close()


@dataclass(frozen=True, slots=True)
class Storage:
    """Answers at these addresses."""

    _store: Store
    _settings: ServerSettings
    _files: FileStore | None
    _run: Callable[..., Awaitable[Any]]
    """Calls functions that use the database or the disk."""

    def add_routes(self, app: web.Application) -> None:
        """Answer in an application."""
        app.router.add_put(f"{DROPPED}{{key}}", self._drop)
        app.router.add_put(f"{MANIFESTS}{{key}}", self._receive_manifest)
        app.router.add_get(f"{MANIFESTS}{{key}}", self._send_manifest)
        app.router.add_put(f"{FILES}{{key}}", self._receive_file)
        app.router.add_get(f"{FILES}{{key}}", self._send_file)

    def _key(self, request: web.Request) -> str:
        """Return the last part of an address. Raises NotFound for one not made by this server."""
        until, signature = (request.query.get(name, "") for name in ("until", "signature"))
        if not self._settings.is_signed(request.path, until, signature):
            raise NotFound("this address is too old, or not this server's", "Ask it for another.")
        return request.match_info["key"]

    async def _drop(self, request: web.Request) -> web.Response:
        self._key(request)
        async for _ in _pieces(request):
            pass
        return web.Response()

    async def _receive_manifest(self, request: web.Request) -> web.Response:
        key, body = self._key(request), await read_body(request)

        def save() -> None:
            kept = read_upload(body.decode("utf-8", "replace"))
            with self._store.changing() as change:
                save_manifest(change, key, kept)

        await self._run(save)
        return web.Response()

    async def _send_manifest(self, request: web.Request) -> web.Response:
        key = self._key(request)

        def read() -> dict[str, Any]:
            with self._store.reading() as reader:
                version_id = find_by_key(reader, key)
                if version_id is None:
                    raise NotFound("there is no such artifact", "It may not be committed yet.")
                version = show(reader, find_home(reader, version_id))
                return write_manifest(read_entries(reader, version.digest) or ())

        return web.json_response(await self._run(read))

    async def _receive_file(self, request: web.Request) -> web.Response:
        md5 = self._key(request)
        if self._files is None:
            raise NotFound("this server keeps no files", "Start it with --files DIR.")
        try:
            await self._files.receive(md5, _pieces(request))
        except StoreError as error:  # the SDK sends it again for minutes, and says nothing
            _log.warning("%s. %s", error.message, error.hint)
            raise
        return web.Response()

    async def _send_file(self, request: web.Request) -> web.StreamResponse:
        md5 = self._key(request)
        path = None if self._files is None else self._files.path(md5)
        if path is None:
            said = "the file is not kept here: only its name, size and digest are"
            raise web.HTTPNotFound(text=f"{said}\nStart the server with --files DIR, and log it.\n")
        return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})
