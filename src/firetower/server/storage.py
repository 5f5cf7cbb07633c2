"""Addresses that W&B's SDK sends files to and fetches them from, signed instead of a key."""

from typing import Any

from aiohttp import web

from firetower.core.errors import NotFound
from firetower.core.manifests import write_manifest
from firetower.server.settings import ServerSettings
from firetower.store.catalog.memberships import find_by_key, find_home
from firetower.store.catalog.versions import read_entries, show
from firetower.store.store import Store
from firetower.store.uploads import save_manifest

DROPPED = "/storage/dropped/"
"""Where files of runs are sent, which are not kept."""
MANIFESTS = "/storage/manifests/"
"""Followed by an artifact's key."""


def check_signature(request: web.Request, settings: ServerSettings) -> str:
    """Return the last part of an address. Raises NotFound for one not made by this server."""
    if not settings.is_signed(request.path, request.query.get("signature", "")):
        raise NotFound("this address was not made by this server", "Ask it for another.")
    return request.match_info["key"]


def receive_manifest(store: Store, key: str, body: bytes) -> None:
    """Keep a manifest that was sent. Raises FiretowerError."""
    with store.changing() as change:
        save_manifest(change, key, body.decode("utf-8", "replace"))


def manifest_of(store: Store, key: str) -> dict[str, Any]:
    """Return the manifest of a version. Raises NotFound."""
    with store.reading() as reader:
        version_id = find_by_key(reader.connection, key)
        if version_id is None:
            raise NotFound("there is no such artifact", "It may not be committed yet.")
        version = show(reader, find_home(reader, version_id))
        return write_manifest(read_entries(reader, version.digest) or ())
