"""A whole day: a model is trained with scikit-learn, logged, linked and promoted by W&B's SDK.

Everything is a process of its own: `firetower serve` with the worker beside it, and each script.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import firetower
import receiver
from firetower.core.actions import WebhookAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.tower import Tower
from towers import COMMAND, environment, webhook
from waiting import TIMEOUT

AUTOMATE = """
import wandb
from wandb.automations import *
api = wandb.Api()
for name in ("models", "model"):
    api.create_registry(name, visibility="organization")
(hook,) = api.webhook_integrations(entity="acme")
tell = SendWebhook.from_integration(
    hook, payload={"by": "${automation_name}", "who": "${event_author}"}
)
promoted = ArtifactEvent.alias.eq("production")
accurate = RunEvent.metric("accuracy") > 0.8
api.create_project("digits", "acme")
for name, event in {
    "promoted": OnAddArtifactAlias(scope=api.registry("models"), filter=promoted),
    "accurate": OnRunMetric(scope=api.project("digits", entity="acme"), filter=accurate),
    "ended": OnRunState(scope=api.team("acme"), filter=RunEvent.state == "finished"),
}.items():
    api.create_automation(event >> tell, name=name)
"""
TRAIN = """
import pathlib
import pickle
import wandb
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

images, digits = load_digits(return_X_y=True)
train, test, answers, wanted = train_test_split(images, digits, random_state=0)
with wandb.init(project="digits", config={"alpha": 0.01}) as run:
    model = SGDClassifier(alpha=run.config["alpha"], random_state=0)
    for epoch in range(5):
        model.partial_fit(train, answers, classes=range(10))
        run.log({"accuracy": model.score(test, wanted), "epoch": epoch})
    artifact = wandb.Artifact("digits", type="model")
    artifact.metadata["accuracy"] = run.summary["accuracy"]
    with artifact.new_file("model.pickle", mode="wb") as file:
        pickle.dump(model, file)
    run.log_artifact(artifact)
    linked = run.link_artifact(artifact, "wandb-registry-models/digits")
    linked.aliases.append("production")
    linked.save()
    pathlib.Path("model.pickle").write_bytes(pickle.dumps(model))
    run.link_model("model.pickle", "shown")  # logs it under a name of its own
"""
DEPLOY = """
import pathlib, pickle
import wandb
from sklearn.datasets import load_digits

artifact = wandb.Api().artifact("wandb-registry-models/digits:production")
model = pickle.loads((pathlib.Path(artifact.download("got")) / "model.pickle").read_bytes())
assert model.score(*load_digits(return_X_y=True)) > 0.8
artifact.aliases.append("deployed")
try:
    artifact.save()
except wandb.errors.CommError as error:
    print(error)
"""


def script(text: str, folder: Path, url: str, key: str) -> str:
    """Run a script of W&B's SDK in a home of its own; return what it printed."""
    folder.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    said = {"HOME": str(folder), "NETRC": str(folder / "netrc"), "WANDB_SILENT": "true"}
    for name in ("DIR", "CACHE_DIR", "DATA_DIR", "CONFIG_DIR"):
        said[f"WANDB_{name}"] = str(folder / name.lower())
    said |= {"WANDB_BASE_URL": url, "WANDB_API_KEY": key, "WANDB_ERROR_REPORTING": "false"}
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env=kept | said,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def in_core(tower: Tower) -> None:
    """Make one automation as the app does."""
    tower.automations.create(
        Definition(
            name="logged",
            scope=ContainerScope(container=ContainerReference.project("acme/digits")),
            event_type=EventType.CREATE_ARTIFACT,
            action=WebhookAction(
                endpoint="ci", payload='{"by": "${automation_name}", "who": "${event_author}"}'
            ),
        )
    )


@pytest.mark.slow
def test_model_is_trained_promoted_and_deployed(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    database = tmp_path / "tower.db"
    database.write_bytes(sqlite_template.read_bytes())
    with receiver.serve() as received, firetower.connect(str(database)) as tower:
        webhook(tower, "ci", received.url())
        _, ada = tower.tokens.create("ada", entity="acme")
        _, eve = tower.tokens.create("eve", entity="acme", read_only=True)
        server = subprocess.Popen(
            [COMMAND, "serve", "--port", "0", "--files", str(tmp_path / "files")],
            env=environment(str(database)),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stderr is not None
            url = server.stderr.readline().split()[-1]
            script(AUTOMATE, tmp_path / "ada", url, ada)
            in_core(tower)
            script(TRAIN, tmp_path / "ada", url, ada)
            wanted = [
                {"by": name, "who": "ada"}
                for name in ("accurate", "ended", "logged", "logged", "promoted")
            ]
            bodies = [json.loads(one.body) for one in received.wait_for(5)]
            assert sorted(bodies, key=lambda one: str(one["by"])) == wanted
            assert tower.version("model/shown:latest").version.index == 0
            said = script(DEPLOY, tmp_path / "eve", url, eve)
            assert "the API key of eve may only read" in said
            assert "deployed" not in tower.version("models/digits:production").version.aliases
        finally:
            server.terminate()
            _, left = server.communicate(timeout=TIMEOUT)
        assert server.returncode == 0, left
        assert "stopped" in left
        assert len(received.at("/hook")) == 5
