"""The main job: a training script's events fire webhooks in every scope, seen in the feed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from receiver import Received, Receiver, serve
from towers import environment, run, started, worker

SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TRAIN = Path(__file__).with_name("train.py")

AUTOMATIONS = {
    "registry-link": ["--registry", "models", "--event", "LINK_ARTIFACT"],
    "registry-alias": [
        *("--registry", "models", "--event", "ADD_ARTIFACT_ALIAS"),
        *("--alias-regex", "^prod"),
    ],
    "collection-link": [
        *("--registry", "models", "--collection", "digits-classifier"),
        *("--event", "LINK_ARTIFACT"),
    ],
    "collection-alias": [
        *("--registry", "models", "--collection", "digits-classifier"),
        *("--event", "ADD_ARTIFACT_ALIAS", "--alias-regex", "^production$"),
    ],
    "project-version": ["--project", "acme/vision", "--event", "CREATE_ARTIFACT"],
    "project-alias": [
        *("--project", "acme/vision", "--event", "ADD_ARTIFACT_ALIAS"),
        *("--alias-regex", "^latest$"),
    ],
    "filter-version": [
        *("--project", "acme/vision", "--collections", "digits-*", "--type", "model"),
        *("--event", "CREATE_ARTIFACT", "--filter", '{"metadata.f1": {"$gte": 0.9}}'),
    ],
    "filter-alias": [
        *("--project", "acme/vision", "--collections", "/^digits-/"),
        *("--event", "ADD_ARTIFACT_ALIAS", "--alias-regex", "quick|thorough"),
    ],
    "neighbour-registry": ["--registry", "audio", "--event", "LINK_ARTIFACT"],
    "neighbour-collection": [
        *("--registry", "models", "--collection", "older"),
        *("--event", "ADD_ARTIFACT_ALIAS"),
    ],
    "neighbour-project": ["--project", "acme/audio", "--event", "CREATE_ARTIFACT"],
    "neighbour-filter": [
        *("--project", "acme/vision", "--collections", "resnet-*"),
        *("--event", "CREATE_ARTIFACT"),
    ],
}

EXPECTED = {
    "registry-link": ["models/digits-classifier:v1"],
    "registry-alias": ["models/digits-classifier:production"],
    "collection-link": ["models/digits-classifier:v1"],
    "collection-alias": ["models/digits-classifier:production"],
    "project-version": [
        "acme/vision/digits:v0",
        "acme/vision/digits-classifier:v0",
        "acme/vision/digits-classifier:v1",
    ],
    "project-alias": [
        "acme/vision/digits-classifier:latest",
        "acme/vision/digits-classifier:latest",
        "acme/vision/digits:latest",
    ],
    "filter-version": ["acme/vision/digits-classifier:v1"],
    "filter-alias": [
        "acme/vision/digits-classifier:quick",
        "acme/vision/digits-classifier:thorough",
    ],
}


def do(database: str, *arguments: str, given: str | None = None) -> str:
    done = run(database, *arguments, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def prepared(tmp_path: Path) -> str:
    """A database with two registries and two projects, where one model is linked already."""
    database = str(tmp_path / "tower.db")
    do(database, "registry", "create", "models")
    do(database, "registry", "create", "audio")
    do(database, "project", "create", "acme/vision")
    do(database, "log", "acme/audio/older", "--type", "model", "--empty")
    do(database, "link", "acme/audio/older:v0", "models/older")
    do(database, "link", "acme/audio/older:v0", "models/digits-classifier")
    return database


def automate(database: str, receiver: Receiver) -> None:
    do(database, "secret", "set", "SIGNING", given=SIGNING_SECRET + "\n")
    do(database, "secret", "set", "TOKEN", given="t0ken-of-ci\n")
    payload = json.dumps({"automation": "${automation_name}", "ref": "${artifact_version_string}"})
    for name, options in AUTOMATIONS.items():
        endpoint = receiver.url(f"/{name}")
        secrets = ["--signing-secret", "SIGNING", "--access-token", "TOKEN"]
        do(database, "webhook", "create", name, endpoint, *secrets)
        action = ["--webhook", name, "--payload", payload]
        do(database, "automation", "create", name, *options, *action)


def verified(request: Received) -> str:
    """Check a request as its receiver would, and return the version it speaks of."""
    Webhook(SIGNING_SECRET).verify(request.body, request.headers)
    assert request.headers["authorization"] == "Bearer t0ken-of-ci"
    sent = json.loads(request.body)
    assert sent["automation"] == request.path.removeprefix("/")
    return str(sent["ref"])


@pytest.mark.slow
@pytest.mark.timeout(300)  # it starts forty commands, for which a loaded machine needs long
def test_a_training_script_fires_automations_in_every_scope(prepared: str, tmp_path: Path) -> None:
    wanted = sum(map(len, EXPECTED.values()))
    with serve() as receiver:
        automate(prepared, receiver)
        with worker(prepared), started(prepared, "feed", "--follow", "--limit", "0") as feed:
            assert feed.stdout is not None
            assert feed.stderr is not None
            assert "following" in feed.stderr.readline()
            trained = subprocess.run(
                [sys.executable, str(TRAIN), str(tmp_path)],
                env=environment(prepared, OPENBLAS_NUM_THREADS="1", **_kept()),
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            assert trained.returncode == 0, trained.stderr
            assert trained.stdout.startswith("models/digits-classifier:v1 is in production")
            receiver.wait_for(wanted)
            lines = [feed.stdout.readline() for _ in range(wanted)]
        references: dict[str, list[str]] = {}
        for request in receiver.requests:
            references.setdefault(request.path[1:], []).append(verified(request))
        assert {name: sorted(found) for name, found in references.items()} == {
            name: sorted(found) for name, found in EXPECTED.items()
        }
        assert all("✓ finished" in line for line in lines), lines
        shown = "".join(lines)
        assert all(name in shown for name in EXPECTED)
        assert "neighbour" not in shown


def _kept() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS")}
