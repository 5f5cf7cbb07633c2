"""Artifacts are logged in two phases, linked and labelled as W&B's SDK does it."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from artifacts import COMMIT, CREATE, FILES, MANIFEST, begin, log, manifest, md5
from firetower.store.store import Store
from firetower.store.uploads import sweep_uploads
from serving import Running

LINK = """mutation ($input: L!) { linkArtifact(input: $input) { versionIndex
    artifactMembership { artifactCollection { __typename name
        project { name entity { name } } } } } }"""
READ = """query ($id: ID!) { artifact(id: $id) { state versionIndex size fileCount description
    metadata digest artifactType { name } tags { name }
    aliases { alias artifactCollection { name project { name } } }
    artifactMemberships { edges { node { versionIndex } } }
    currentManifest { file { directUrl } } } }"""
ALIASES = "mutation ($input: A!) { %s(input: $input) { success } }"
UPDATE = "mutation ($input: U!) { updateArtifact(input: $input) { artifact { metadata } } }"


def events(running: Running) -> list[str]:
    return [
        f"{one.type} {one.subject} {one.detail}".rstrip()
        for one in running.tower.events.newest(100)
    ]


def test_version_appears_at_the_commit_with_its_events(running: Running) -> None:
    written, digest = manifest(**{"a.bin": b"one", "b/c.bin": b"two"})
    written["contents"]["s3"] = {
        "digest": "etag",
        "ref": "s3://bucket/x",
        "size": 9,
        "extra": {"v": "1"},
    }
    body = (
        b"wandb-artifact-manifest-v1\n"
        + "".join(
            f"{name}:{written['contents'][name]['digest']}\n"
            for name in sorted(written["contents"])
        ).encode()
    )
    digest = hashlib.md5(body).hexdigest()
    found = begin(running, digest, tags=[{"tagName": "eu"}], description="first")
    assert (found["state"], found["artifactSequence"]["latestArtifact"]) == ("PENDING", None)
    assert begin(running, digest, tags=[{"tagName": "eu"}], description="first") == found  # a retry
    files = [{"artifactID": found["id"], "name": "a.bin", "md5": md5(b"one")}]
    [edge] = running.query(FILES, files=files)["createArtifactFiles"]["files"]["edges"]
    assert edge["node"] == {"uploadUrl": None, "artifact": {"id": found["id"]}}
    asked = running.query(MANIFEST, artifact=found["id"])["createArtifactManifest"]
    url = asked["artifactManifest"]["file"]["uploadUrl"]
    assert running.tower.projects() == []
    assert running.query(READ, id=found["id"])["artifact"] is None
    status, _ = running.refused(COMMIT, id=found["id"])
    assert status == 200
    assert running.post(url.replace("signature=", "signature=0"), b"{}", method="PUT")[0] == 400
    assert running.post(url, json.dumps(written).encode(), "none", method="PUT")[0] == 200
    committed = running.query(COMMIT, id=found["id"])["commitArtifact"]["artifact"]
    assert committed == {"id": found["id"], "digest": digest}
    assert running.query(COMMIT, id=found["id"])["commitArtifact"]["artifact"] == committed
    assert events(running) == [
        "CREATE_ARTIFACT acme/vision/resnet:v0",
        "ADD_ARTIFACT_ALIAS acme/vision/resnet:v0 ← latest",
        "ADD_ARTIFACT_TAG acme/vision/resnet:v0 + tag eu",
    ]
    assert {one.author for one in running.tower.events.newest(100)} == {"ada"}
    detail = running.tower.version("acme/vision/resnet:latest")
    assert [(one.path, one.uri) for one in detail.entries] == [
        ("a.bin", None),
        ("b/c.bin", None),
        ("s3", "s3://bucket/x"),
    ]
    shown = running.query(READ, id=found["id"])["artifact"]
    assert (shown["size"], shown["fileCount"], shown["description"]) == (15, 3, "first")
    status, sent = running.post(shown["currentManifest"]["file"]["directUrl"], b"", method="GET")
    assert sent["contents"] == written["contents"]


def test_content_of_the_newest_version_makes_no_new_one(running: Running) -> None:
    first = log(running)
    _, digest = manifest(model=b"weights")
    again = begin(
        running, digest, clientID="c2", aliases=[{"alias": "best"}], tags=[{"tagName": "x"}]
    )
    assert (again["id"], again["state"]) == (first, "COMMITTED")
    assert running.tower.version("acme/vision/resnet:best").version.tags == ("x",)
    assert log(running, b"more", clientID="c3") != first
    assert [one.index for one in running.tower.versions("acme/vision/resnet")] == [1, 0]


def test_link_model_goes_to_the_registry_of_models(on_sqlite: Running) -> None:
    given = {
        "artifactID": log(on_sqlite),
        "artifactPortfolioName": "resnet",
        "entityName": "acme",
        "projectName": "model-registry",
    }
    assert on_sqlite.refused(LINK, input=given)[1] == "there is no registry model"
    on_sqlite.tower.create_registry("model")
    on_sqlite.query(LINK, input=given)
    assert on_sqlite.tower.version("model/resnet:latest").version.index == 0


def test_link_aliases_and_tags(running: Running) -> None:
    running.tower.create_registry("models")
    version = log(running)
    place = {"artifactPortfolioName": "resnet", "entityName": "organization"}
    given = {**place, "projectName": "wandb-registry-models", "artifactID": version}
    linked = running.query(LINK, input={**given, "aliases": [{"alias": "staging"}]})["linkArtifact"]
    assert linked["versionIndex"] == 0
    assert linked["artifactMembership"]["artifactCollection"] == {
        "__typename": "ArtifactPortfolio",
        "name": "resnet",
        "project": {"name": "wandb-registry-models", "entity": {"name": "organization"}},
    }
    alias = {"artifactCollectionName": "resnet", "alias": "production"}
    where = {"entityName": "organization", "projectName": "wandb-registry-models"}
    both: Any = {"artifactID": version, "aliases": [{**alias, **where}]}
    running.query(ALIASES % "addAliases", input=both)
    before = len(running.tower.events.newest(100))
    running.query(
        UPDATE, input={"artifactID": version, "metadata": '{"f1": 0.9}', "description": ""}
    )
    assert len(running.tower.events.newest(100)) == before  # what follows each alias says nothing
    both["aliases"][0]["alias"] = "staging"
    running.query(ALIASES % "deleteAliases", input=both)
    changed = {"metadata": '{"f2": 1}', "description": "good", "tagsToAdd": [{"tagName": "gold"}]}
    running.query(UPDATE, input={"artifactID": version, **changed})
    running.query(UPDATE, input={"artifactID": version, "tagsToDelete": [{"tagName": "gold"}]})
    assert events(running)[2:] == [
        "LINK_ARTIFACT models/resnet:v0",
        "ADD_ARTIFACT_ALIAS models/resnet:v0 ← latest",
        "ADD_ARTIFACT_ALIAS models/resnet:v0 ← staging",
        "ADD_ARTIFACT_ALIAS models/resnet:v0 ← production",
        "REMOVE_ARTIFACT_ALIAS models/resnet:v0 − staging",
        "ADD_ARTIFACT_TAG acme/vision/resnet:v0 + tag gold",
        "ADD_ARTIFACT_TAG models/resnet:v0 + tag gold",
        "REMOVE_ARTIFACT_TAG acme/vision/resnet:v0 − tag gold",
        "REMOVE_ARTIFACT_TAG models/resnet:v0 − tag gold",
    ]
    shown = running.query(READ, id=version)["artifact"]
    assert (shown["metadata"], shown["description"]) == ('{"f2":1}', "good")
    assert [
        (one["alias"], one["artifactCollection"]["project"]["name"]) for one in shown["aliases"]
    ] == [
        ("latest", "vision"),
        ("latest", "wandb-registry-models"),
        ("production", "wandb-registry-models"),
    ]


def test_deleted_version_leaves_every_collection(running: Running) -> None:
    running.tower.create_registry("models")
    first = log(running)
    second = log(running, b"more", clientID="c2", tags=[{"tagName": "x"}])
    running.tower.link("acme/vision/resnet:v0", "models/resnet")
    running.tower.link("acme/vision/resnet:v1", "models/resnet", aliases=["prod"])
    query = """mutation ($id: ID!, $all: Boolean) {
        deleteArtifact(input: {artifactID: $id, deleteAliases: $all}) { artifact { id } } }"""
    assert running.refused(query, id=second)[1].startswith("the version has aliases: ")
    before = len(running.tower.events.newest(100))
    assert running.query(query, id=second, all=True)["deleteArtifact"]["artifact"]["id"] == second
    assert events(running)[before:] == [
        "ADD_ARTIFACT_ALIAS acme/vision/resnet:v0 ← latest",
        "REMOVE_ARTIFACT_TAG acme/vision/resnet:v1 − tag x",
        "ADD_ARTIFACT_ALIAS models/resnet:v0 ← latest",
        "REMOVE_ARTIFACT_ALIAS models/resnet:v1 − prod",
        "UNLINK_ARTIFACT models/resnet:v1",
    ]
    assert running.query(READ, id=second)["artifact"] is None
    assert "deleted" in running.refused(query, id=second, all=True)[1]
    assert log(running, b"more", clientID="c3") != second  # it is new again
    assert [one.index for one in running.tower.versions("acme/vision/resnet")] == [2, 0]
    running.query(query, id=first, all=True)
    assert running.tower.versions("models/resnet") == []


def test_deleted_collection_is_not_found(running: Running) -> None:
    log(running)
    log(running, b"more", clientID="c2")
    query = """mutation ($id: ID!) { deleteArtifactSequence(input: {artifactSequenceID: $id}) {
        artifactCollection { __typename state } } }"""
    read = """{ project(name: "vision", entityName: "acme") {
        artifactCollection(name: "resnet") { id tags { totalCount } } } }"""
    id_ = running.query(read)["project"]["artifactCollection"]["id"]
    deleted = running.query(query, id=id_)["deleteArtifactSequence"]["artifactCollection"]
    assert deleted == {"__typename": "ArtifactSequence", "state": "DELETED"}
    assert running.query(read)["project"]["artifactCollection"] is None
    assert "has no versions" in running.refused(query, id=id_)[1]
    kept = """mutation ($id: ID!) { updateArtifactSequence(input: {artifactSequenceID: $id}) {
        artifactCollection { tags { totalCount } } } }"""
    assert "was deleted" in running.refused(kept, id=id_)[1]
    assert events(running)[-1] == "REMOVE_ARTIFACT_ALIAS acme/vision/resnet:v1 − latest"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"artifactTypeName": "dataset"}, "acme/vision/resnet holds versions of type"),
        ({"aliases": [{"alias": "a/b"}]}, 'alias "a/b" contains "/"'),
        ({"aliases": [{"alias": "v3"}]}, 'alias "v3" looks like a version number'),
        ({"aliases": [3]}, "aliases is 3"),
        ({"metadata": "[1]"}, "metadata is [1]"),
        ({"metadata": "{"}, "metadata is not JSON"),
        ({"artifactCollectionName": "a:b"}, 'collection name "a:b" contains ":"'),
        ({"entityName": "a/b"}, 'project name "b/vision" contains "/"'),
        ({"projectName": "wandb-registry-models"}, "models/resnet is in a registry"),
        ({"digest": None}, "digest is missing"),
    ],
)
def test_artifact_that_cannot_be_logged_is_refused_at_once(
    on_sqlite: Running, given: dict[str, Any], said: str
) -> None:
    log(on_sqlite)
    before = events(on_sqlite)
    fields = {
        "entityName": "acme",
        "projectName": "vision",
        "artifactTypeName": "model",
        "artifactCollectionName": "resnet",
        "digest": "0" * 32,
    }
    _, found = on_sqlite.refused(CREATE, input={**fields, **given})
    assert found.startswith(said)
    assert events(on_sqlite) == before


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the manifest cannot be read"),
        (b'{"version": 2, "contents": {}}', "the manifest has version 2"),
        (b'{"version": 1, "contents": {"../x": {"digest": "a"}}}', 'the file "../x" is not within'),
        (b'{"version": 1, "contents": {"/x": {"digest": "a"}}}', 'the file "/x" is not within'),
        (b'{"version": 1, "contents": {"x": {"digest": "a", "size": -1}}}', "the manifest cannot"),
    ],
)
def test_manifest_that_cannot_be_kept_is_refused(
    on_sqlite: Running, body: bytes, said: str
) -> None:
    found = begin(on_sqlite, "0" * 32)
    asked = on_sqlite.query(MANIFEST, artifact=found["id"])["createArtifactManifest"]
    status, answer = on_sqlite.post(
        asked["artifactManifest"]["file"]["uploadUrl"], body, method="PUT"
    )
    assert status == 400
    assert answer["errors"][0]["message"].startswith(said)


def test_manifest_of_another_digest_is_not_committed(on_sqlite: Running) -> None:
    found = begin(on_sqlite, "0" * 32)
    asked = on_sqlite.query(MANIFEST, artifact=found["id"])["createArtifactManifest"]
    body = json.dumps(manifest(model=b"x")[0]).encode()
    on_sqlite.post(asked["artifactManifest"]["file"]["uploadUrl"], body, method="PUT")
    _, said = on_sqlite.refused(COMMIT, id=found["id"])
    assert said.startswith("the manifest's digest is ")
    assert on_sqlite.tower.projects() == []


def test_copies_of_an_object_keep_their_own_uris(on_sqlite: Running) -> None:
    for number in (1, 2):
        contents = {"x": {"digest": "etag", "ref": f"s3://bucket{number}/x"}}
        digest = hashlib.md5(b"wandb-artifact-manifest-v1\nx:etag\n").hexdigest()
        name = f"data{number}"
        found = begin(on_sqlite, digest, artifactCollectionName=name, clientID=name)
        asked = on_sqlite.query(MANIFEST, artifact=found["id"])["createArtifactManifest"]
        body = json.dumps({"version": 1, "contents": contents}).encode()
        on_sqlite.post(asked["artifactManifest"]["file"]["uploadUrl"], body, method="PUT")
        assert (
            on_sqlite.query(COMMIT, id=found["id"])["commitArtifact"]["artifact"]["digest"]
            == digest
        )
        [entry] = on_sqlite.tower.version(f"acme/vision/{name}:v0").entries
        assert entry.uri == f"s3://bucket{number}/x"


def test_upload_that_is_not_finished_is_forgotten_after_a_day(store: Store) -> None:
    from firetower.core.references import CollectionReference
    from firetower.store.uploads import UploadDefinition, begin_upload, find_upload

    place = CollectionReference.parse("acme/vision/resnet")
    definition = UploadDefinition(collection=place, type="model", digest="0" * 32)
    with store.changing() as change:
        upload, _ = begin_upload(change, definition, None)
        assert upload is not None
        assert sweep_uploads(change) == 0
        change.now += timedelta(days=1, seconds=1)
        assert sweep_uploads(change) == 1
    with store.reading() as reader, pytest.raises(Exception, match="not begun here"):
        find_upload(reader, upload.key)


def test_mutation_that_is_not_known_is_refused_not_null(on_sqlite: Running) -> None:
    status, said = on_sqlite.refused("mutation { launchRocket(input: {}) { success } }")
    assert (status, said) == (200, "this server does not know launchRocket")
