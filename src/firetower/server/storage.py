"""Addresses that W&B's SDK sends files to and fetches them from, signed instead of a key."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from firetower.core.errors import NotFound, StoreError
from firetower.core.manifests import write_manifest
from firetower.server.files import FileStore
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
        async for _ in request.content.iter_any():
            pass
        return web.Response()

    async def _receive_manifest(self, request: web.Request) -> web.Response:
        key, body = self._key(request), await request.read()

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
                version_id = find_by_key(reader.connection, key)
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
            await self._files.receive(md5, request.content.iter_any())
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
