"""Artifacts logged over GraphQL, as W&B's SDK does it."""

import base64
import hashlib
import json
from typing import Any

from serving import Running

CREATE = """mutation ($input: CreateArtifactInput!) { createArtifact(input: $input) {
    artifact { id state artifactSequence { latestArtifact { id } } } } }"""
MANIFEST = """mutation ($artifact: ID!) { createArtifactManifest(input: {artifactID: $artifact,
    name: "wandb_manifest.json", type: FULL}) { artifactManifest { id file { id uploadUrl } } } }"""
FILES = """mutation ($files: [F!]!) { createArtifactFiles(input: {artifactFiles: $files,
    storageLayout: V2}) { files { edges { node { uploadUrl artifact { id } } } } } }"""
COMMIT = (
    "mutation ($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { id digest } } }"
)


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def manifest(**files: bytes) -> tuple[dict[str, Any], str]:
    """Return a manifest of files, and its digest."""
    contents = {
        name: {"digest": md5(content), "size": len(content)} for name, content in files.items()
    }
    digest = hashlib.md5(b"wandb-artifact-manifest-v1\n")
    for name in sorted(contents):
        digest.update(f"{name}:{contents[name]['digest']}\n".encode())
    policy = {"storagePolicy": "wandb-storage-policy-v1", "storagePolicyConfig": {}}
    return {"version": 1, **policy, "contents": contents}, digest.hexdigest()


def begin(running: Running, digest: str, **more: Any) -> Any:
    given = {
        "entityName": "acme",
        "projectName": "vision",
        "runName": "r1",
        "artifactTypeName": "model",
        "artifactCollectionName": "resnet",
        "digest": digest,
        "aliases": [{"alias": "latest", "artifactCollectionName": "resnet"}],
        "metadata": '{"f1": 0.9}',
        "clientID": "c1",
    }
    return running.query(CREATE, input={**given, **more})["createArtifact"]["artifact"]


def log(running: Running, content: bytes = b"weights", **more: Any) -> str:
    """Log an artifact of one file in two phases; return its id."""
    written, digest = manifest(model=content)
    found = begin(running, digest, **more)
    if found["state"] == "COMMITTED":
        return str(found["id"])
    asked = running.query(MANIFEST, artifact=found["id"])["createArtifactManifest"]
    url = asked["artifactManifest"]["file"]["uploadUrl"]
    assert running.post(url, json.dumps(written).encode(), method="PUT")[0] == 200
    running.query(COMMIT, id=found["id"])
    return str(found["id"])
