"""The files of artifacts, and where they are fetched from."""

import mimetypes
from typing import Any

from firetower.core.catalog import Entry
from firetower.core.manifests import file_digest
from firetower.server.catalog import shown
from firetower.server.fields import Arguments, Context, make_id, moment, nodes, resolves
from firetower.server.files import md5_of
from firetower.server.storage import FILES
from firetower.store.catalog.lookups import FoundVersion
from firetower.store.catalog.versions import read_entries


def entries_of(context: Context, found: FoundVersion) -> tuple[Entry, ...]:
    """Return the files and references of a version, read once a request."""
    digest = shown(context, found).digest
    if ("entries", digest) not in context.cache:
        context.cache["entries", digest] = read_entries(context.reader, digest) or ()
    entries: tuple[Entry, ...] = context.cache["entries", digest]
    return entries


def _file(context: Context, found: FoundVersion, entry: Entry) -> dict[str, Any]:
    version = shown(context, found)
    md5 = md5_of(entry.checksum)
    path = f"{FILES}{md5 or '0' * 32}"
    url = entry.uri or context.origin + context.settings.sign(path)
    return {
        "__typename": "File",
        "id": make_id("File", f"{version.digest}/{entry.path}"),
        "name": entry.path,
        "displayName": entry.path,
        "url": url,
        "directUrl": url,
        "sizeBytes": entry.size or 0,
        "storagePath": None,
        "mimetype": mimetypes.guess_type(entry.path)[0],
        "updatedAt": moment(version.created_at),
        "digest": file_digest(entry),
        "md5": file_digest(entry),
    }


@resolves("Artifact|ArtifactCollectionMembership", "files")
def files(context: Context, found: FoundVersion, arguments: Arguments) -> dict[str, Any]:
    """Return the files of a version, or those of some names."""
    entries = entries_of(context, found)
    if names := set(arguments.texts("names")):
        entries = tuple(one for one in entries if one.path in names)
    return nodes(entries, arguments, lambda one: _file(context, found, one))


@resolves("Artifact", "filesByManifestEntries")
def files_by_entries(context: Context, found: FoundVersion, arguments: Arguments) -> dict[str, Any]:
    """Return the files that entries of the manifest name."""
    names = {one.text("name") for one in arguments.objects("entries")}
    entries = [one for one in entries_of(context, found) if one.path in names]
    return nodes(entries, arguments, lambda one: _file(context, found, one))
