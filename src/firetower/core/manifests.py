"""W&B's manifests: the files of an artifact as its SDK writes and reads them."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field, JsonValue, ValidationError

from firetower.core.catalog import Entry, check_no_password
from firetower.core.errors import InvalidInput
from firetower.core.text import first_refusal, quoted, shortened

_DIGEST_HEADER = b"wandb-artifact-manifest-v1\n"
# Source: wandb/sdk/artifacts/artifact_manifests/artifact_manifest_v1.py.


class _File(BaseModel):
    digest: str
    size: int | None = Field(default=None, ge=0, lt=2**63)
    ref: str | None = None
    extra: dict[str, JsonValue] | None = None


class _Manifest(BaseModel):
    version: int
    contents: dict[str, _File]


def read_manifest(text: str | bytes) -> tuple[Entry, ...]:
    """Return the entries of a manifest by path. Raises InvalidInput."""
    try:
        manifest = _Manifest.model_validate_json(text)
    except ValidationError as error:
        place, reason = first_refusal(error)
        raise InvalidInput(
            f"the manifest cannot be read: {place or 'it'}: {reason}",
            "Log the artifact with W&B's SDK 0.29 or newer.",
        ) from None
    if manifest.version != 1:
        raise InvalidInput(
            f"the manifest has version {manifest.version}", "This server reads version 1."
        )
    return tuple(_entry(path, manifest.contents[path]) for path in sorted(manifest.contents))


def _entry(path: str, file: _File) -> Entry:
    if not path.strip("./") or path[0] == "/" or ".." in path.split("/") or "\0" in path:
        raise InvalidInput(
            f"the file {quoted(shortened(path, 80))} is not within the artifact",
            "Name it by a relative path without `..`.",
        )
    check_no_password(file.ref or "")
    return Entry(
        path=path, size=file.size, uri=file.ref, checksum=file.digest, extra=file.extra or None
    )


def manifest_digest(entries: Iterable[Entry]) -> str:
    """Return the digest that W&B's SDK gives an artifact: an MD5 in hexadecimal."""
    digest = hashlib.md5(_DIGEST_HEADER, usedforsecurity=False)
    for entry in entries:
        digest.update(f"{entry.path}:{file_digest(entry)}\n".encode("utf-8", "replace"))
    return digest.hexdigest()


def file_digest(entry: Entry) -> str:
    """Return an entry's digest as W&B writes it, in base64; for a reference any text."""
    if entry.checksum is not None:
        return entry.checksum
    if entry.sha256 is not None:
        return base64.b64encode(bytes.fromhex(entry.sha256)).decode("ascii")
    return entry.uri or ""


def write_manifest(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return entries as a manifest, JSON-ready."""
    contents = {}
    for entry in entries:
        found = {
            "digest": file_digest(entry),
            "size": entry.size,
            "ref": entry.uri,
            "extra": entry.extra,
        }
        contents[entry.path] = {key: value for key, value in found.items() if value is not None}
    return {
        "version": 1,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": {"storageLayout": "V2"},
        "contents": contents,
    }
