"""Scripts with the unmodified W&B SDK, in processes of their own, whose changes fire webhooks."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firetower.core.actions import WebhookAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.filters import Filter
from firetower.core.references import ContainerReference
from firetower.core.runs import RunState, StateCondition
from firetower.core.scopes import ContainerScope
from firetower.server.graphql import unknown_fields
from firetower.store.runs import crash_overdue
from firetower.tower import Tower
from receiver import Receiver, serve
from serving import Running, serving
from towers import on_alias, run, webhook
from waiting import TIMEOUT, wait_until

TRAIN = """
import wandb
with open("model.bin", "w") as file:
    file.write("weights")
run = wandb.init(project="vision", name="first", config={"lr": 0.1})
for step in range(3):
    run.log({"loss": 1 / (step + 1)})
model = wandb.Artifact("resnet", type="model", metadata={"f1": 0.9})
model.add_file("model.bin")
run.log_artifact(model, aliases=["candidate"]).wait()
linked = run.link_artifact(model, "wandb-registry-models/resnet", aliases=["staging"])
linked.aliases.append("production")
linked.save()
assert run.use_artifact("acme/vision/resnet:latest").version == "v0"
run.alert("trained", "well")
run.finish()

api = wandb.Api()
found = api.artifact("wandb-registry-models/resnet:production")
assert found.source_qualified_name == "acme/vision/resnet:v0", found.source_qualified_name
assert sorted(found.manifest.entries) == ["model.bin"]
assert [one.name for one in api.registries()] == ["models"]
assert [one.name for one in api.registry("models").collections()] == ["resnet"]
assert [one.name for one in api.artifacts("model", "acme/vision/resnet")] == ["resnet:v0"]
[again] = api.runs("acme/vision", filters={"config.lr": 0.1, "state": "finished"})
assert again.summary["loss"] == 1 / 3, dict(again.summary)
assert [row["loss"] for row in again.scan_history()] == [1, 1 / 2, 1 / 3]
assert [one.name for one in again.logged_artifacts()] == ["resnet:v0"]
assert [one.id for one in found.used_by()] == [run.id] == [found.logged_by().id]
api.artifact_collection("model", "wandb-registry-models/resnet").delete()
assert not list(wandb.Api().registry("models").collections())
print(run.id)
"""
SCIKIT_LEARN = """
import pickle, wandb
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from wandb.automations import ArtifactEvent, OnAddArtifactAlias, SendWebhook

data, target = load_iris(return_X_y=True)
api = wandb.Api()
registry = api.create_registry("iris", visibility="organization")
[hook] = [one for one in api.webhook_integrations() if one.name == "promoted"]
event = OnAddArtifactAlias(scope=registry, filter=ArtifactEvent.alias.eq("production"))
api.create_automation(event >> SendWebhook.from_integration(hook), name="deploy")
run = wandb.init(project="vision", config={"steps": 3})
best = 0
for step in range(1, 4):
    model = LogisticRegression(max_iter=step * 5).fit(data, target)
    best = max(best, f1_score(target, model.predict(data), average="macro"))
    run.log({"f1": best})
with open("model.pkl", "wb") as file:
    pickle.dump(model, file)
logged = run.log_model("model.pkl", name="iris")
made = wandb.Artifact("classifier", type="model", metadata={"f1": best})
made.add_file("model.pkl")
run.log_artifact(made).wait()
linked = made.link("wandb-registry-iris/classifier")
linked.aliases.append("production")
linked.save()
run.finish()
"""
FILES = """
import os, pathlib, shutil, wandb
def log(name, **contents):
    artifact = wandb.Artifact("resnet", type="model")
    for path, size in contents.items():
        file = pathlib.Path(name) / path.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(range(256)) * size)
    artifact.add_dir(name)
    return run.log_artifact(artifact).wait()
run = wandb.init(project="vision")
log("one", a=1, deep__b=30_000, empty=0)
log("two", a=1, deep__b=30_000, c=2)
run.finish()
shutil.rmtree(os.environ["WANDB_CACHE_DIR"])
for version, folder in (("v0", "one"), ("v1", "two")):
    artifact = wandb.Api().artifact(f"acme/vision/resnet:{version}")
    got = pathlib.Path(artifact.download(f"got-{version}"))
    names = {str(path.relative_to(got)) for path in got.rglob("*") if path.is_file()}
    assert names == {one.name for one in artifact.files()}, names
    for name in names:
        assert (got / name).read_bytes() == (pathlib.Path(folder) / name).read_bytes()
"""
CRASH = """
import os, wandb
run = wandb.init(project="vision", id="crashed", settings={"x_file_stream_transmit_interval": 1})
run.log({"loss": 1.0})
print("running", flush=True)
import time
time.sleep(60)
"""
STOPPED = """
import time, wandb
run = wandb.init(project="vision", id="stopped", settings={"x_file_stream_transmit_interval": 1})
try:
    print("running", flush=True)
    while True:
        run.log({"loss": 1.0})
        time.sleep(0.2)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
OFFLINE = """
import wandb
run = wandb.init(project="vision", id="offline", mode="offline")
run.log({"loss": 0.5})
data = wandb.Artifact("points", type="dataset")
data.add_reference("https://example.com/points", checksum=False)
run.log_artifact(data)
run.finish()
"""


@pytest.fixture
def receiver() -> Any:
    """A server that answers 200."""
    with serve() as running:
        yield running


def watch(tower: Tower, receiver: Receiver) -> None:
    """Make automations on a version, a link, an alias, an alert and the end of a run."""
    tower.create_registry("models")
    tower.create_project("acme/vision")
    for name in ("logged", "linked", "promoted", "ended", "alerted"):
        webhook(tower, name, receiver.url(f"/{name}"))
    project = ContainerScope(container=ContainerReference.project("acme/vision"))
    registry = ContainerScope(container=ContainerReference.registry("models"))
    for name, scope, event in (
        ("logged", project, EventType.CREATE_ARTIFACT),
        ("linked", registry, EventType.LINK_ARTIFACT),
        ("ended", project, EventType.RUN_STATE),
        ("alerted", project, EventType.RUN_ALERT),
    ):
        is_run = event is EventType.RUN_STATE
        states = (RunState.FINISHED, RunState.FAILED)
        tower.automations.create(
            Definition(
                name=name,
                scope=scope,
                event_type=event,
                condition=StateCondition(states=states) if is_run else None,
                filter=Filter.of({"alert_severity": "INFO"} if name == "alerted" else {}),
                action=WebhookAction(endpoint=name),
            )
        )
    on_alias(tower, "promoted", "promoted")


def test_training_script_fires_automations(on_sqlite: Running, receiver: Receiver) -> None:
    tower = on_sqlite.tower
    watch(tower, receiver)
    unknown_fields.clear()
    run_id = on_sqlite.sdk(TRAIN).split()[-1]
    assert not unknown_fields
    assert run(on_sqlite.database, "worker", "--once").returncode == 0
    [logged] = [json.loads(one.body)["data"] for one in receiver.at("/logged")]
    [linked] = [json.loads(one.body)["data"] for one in receiver.at("/linked")]
    [ended] = [json.loads(one.body)["data"] for one in receiver.at("/ended")]
    [alerted] = [json.loads(one.body)["data"]["alert"] for one in receiver.at("/alerted")]
    alerts = tower.automations.get("alerted").definition
    since = datetime.now(UTC) - timedelta(hours=1)
    assert tower.automations.backtest(alerts, since).fired == 1
    assert alerted == {"title": "trained", "text": "well", "severity": "INFO"}
    aliases = {json.loads(one.body)["data"]["alias"] for one in receiver.at("/promoted")}
    assert (logged["version"], logged["author"]) == ("acme/vision/resnet:v0", "ada")
    assert linked["source_version"] == "acme/vision/resnet:v0"
    assert aliases == {"latest", "staging", "production"}
    assert ended["run"] == f"acme/vision/{run_id}"
    detail = tower.runs.get(f"acme/vision/{run_id}")
    assert (detail.run.state, detail.logged) == (RunState.FINISHED, ("acme/vision/resnet:v0",))
    assert on_sqlite.server.traffic.answers["/graphql", 200] > 20
    assert not [status for _, status in on_sqlite.server.traffic.answers if status >= 500]


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_training_script_on_postgresql(running: Running) -> None:
    running.tower.create_registry("models")
    run_id = running.sdk(TRAIN).split()[-1]
    detail = running.tower.runs.get(f"acme/vision/{run_id}")
    assert (detail.run.state, detail.logged) == (RunState.FINISHED, ("acme/vision/resnet:v0",))
    assert not [status for _, status in running.server.traffic.answers if status >= 500]


@pytest.mark.slow
def test_model_is_trained_linked_and_promoted(on_sqlite: Running, receiver: Receiver) -> None:
    watch(on_sqlite.tower, receiver)
    on_sqlite.sdk(SCIKIT_LEARN)
    run(on_sqlite.database, "worker", "--once")
    assert len(receiver.at("/logged")) == 2
    assert [json.loads(one.body)["data"]["alias"] for one in receiver.at("/promoted")] == [
        "production"
    ]
    assert len(receiver.at("/ended")) == 1
    found = on_sqlite.tower.executions.newest(99)
    [deployed] = [one for one in found if one.automation == "deploy"]
    assert deployed.event.author == "ada"


@pytest.mark.slow
def test_files_are_kept_and_downloaded(sqlite_template: Path, tmp_path: Path) -> None:
    database = tmp_path / "tower.db"
    database.write_bytes(sqlite_template.read_bytes())
    with serving(str(database), tmp_path, files=tmp_path / "files") as keeping:
        keeping.sdk(FILES)
    kept = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert len(kept) == 4  # each content once


@pytest.mark.slow
def test_run_that_is_stopped_interrupts_its_script(on_sqlite: Running) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED],
        env=on_sqlite.environment(),
        cwd=on_sqlite.folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        on_sqlite.tower.runs.finish("acme/vision/stopped", state=RunState.KILLED)
        assert process.stdout.readline() == "interrupted\n"
    assert on_sqlite.tower.runs.get("acme/vision/stopped").run.state is RunState.KILLED


@pytest.mark.slow
def test_killed_script_is_a_crash(on_sqlite: Running, receiver: Receiver) -> None:
    watch(on_sqlite.tower, receiver)
    with subprocess.Popen(
        [sys.executable, "-c", CRASH],
        env=on_sqlite.environment(),
        cwd=on_sqlite.folder,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        runs = on_sqlite.tower.runs
        wait_until(lambda: runs.get("acme/vision/crashed").metrics, "the metric")
        os.killpg(process.pid, signal.SIGKILL)

    def age_of_heartbeat() -> timedelta:
        return datetime.now(UTC) - runs.get("acme/vision/crashed").run.heartbeat_at

    # What it had sent already is a sign of life when it is read.
    wait_until(lambda: age_of_heartbeat() > timedelta(seconds=2), "the last request")
    with on_sqlite.server.store.changing() as change:
        crash_overdue(change, timedelta(0))
    run(on_sqlite.database, "worker", "--once")
    assert len(receiver.at("/ended")) == 1
    assert runs.get("acme/vision/crashed").run.state is RunState.CRASHED


@pytest.mark.slow
def test_offline_run_is_synced(on_sqlite: Running, receiver: Receiver) -> None:
    watch(on_sqlite.tower, receiver)
    on_sqlite.sdk(OFFLINE)
    [folder] = on_sqlite.folder.glob("wandb/offline-run-*")
    subprocess.run(
        [sys.executable, "-m", "wandb", "sync", str(folder)],
        env=on_sqlite.environment(),
        cwd=on_sqlite.folder,
        check=True,
        capture_output=True,
        timeout=TIMEOUT,
    )
    run(on_sqlite.database, "worker", "--once")
    assert len(receiver.at("/logged")) == len(receiver.at("/ended")) == 1
    assert on_sqlite.tower.runs.get("acme/vision/offline").metrics[0].value == 0.5


@pytest.mark.slow
def test_user_of_the_sdk_reads_why_something_is_refused(on_sqlite: Running) -> None:
    _, reads = on_sqlite.tower.tokens.create("eve", read_only=True)
    script = """
import wandb
def refused(what):
    try:
        what()
    except Exception as error:
        print(error)
    else:
        raise SystemExit("it was not refused")
"""
    wrong = script + "refused(lambda: wandb.init(project='vision'))"
    assert "api key" in on_sqlite.sdk(wrong, "0" * 40).lower()
    assert "the API key of eve may only read" in on_sqlite.sdk(wrong, reads)
    said = on_sqlite.sdk(
        script
        + """
run = wandb.init(project="vision")
def log(type_, aliases=()):
    artifact = wandb.Artifact("resnet", type=type_)
    artifact.add_reference("https://example.com/x", checksum=False)
    return run.log_artifact(artifact, aliases=list(aliases)).wait()
made = log("model")
refused(lambda: log("dataset"))
refused(lambda: run.link_artifact(made, "wandb-registry-gone/resnet"))
refused(lambda: wandb.Api().create_registry("a", visibility="restricted"))
made.aliases.append("v7")
refused(made.save)
"""
    )
    for words in (
        "there is no registry gone",
        "Failed to create registry",
        'alias "v7" looks like a version number',
    ):
        assert words in said, said
