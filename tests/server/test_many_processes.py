"""W&B's SDK in several processes at once, its own commands, and a key from its login."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from firetower.core.events import EventType
from firetower.core.runs import RunState
from serving import Running
from waiting import TIMEOUT

pytestmark = pytest.mark.slow
RANKS = """
import multiprocessing
import wandb

def train(rank):
    run = wandb.init(project="vision", group="ddp", name=f"rank-{rank}")
    for step in range(20):
        run.log({"loss": 1 / (step + 1)})
    for number in range(2):
        artifact = wandb.Artifact("resnet", type="model")
        artifact.add_reference(f"https://example.com/{rank}/{number}", checksum=False)
        logged = run.log_artifact(artifact, aliases=[f"rank-{rank}"]).wait()
        run.link_artifact(logged, "wandb-registry-models/resnet", aliases=["newest"])
    run.finish()

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ranks = [context.Process(target=train, args=(rank,)) for rank in range(3)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
        assert rank.exitcode == 0
"""
OFFLINE = """
import wandb
run = wandb.init(project="vision", id="offline", mode="offline")
for number in range(5):
    artifact = wandb.Artifact(f"points-{number % 2}", type="dataset")
    artifact.add_reference(f"https://example.com/{number}", checksum=False)
    run.log_artifact(artifact)
    run.log({"loss": number})
run.finish(exit_code=3)
"""


def events(running: Running) -> Counter[EventType]:
    return Counter(event.type for event in running.tower.events.newest(1_000))


def test_ranks_log_at_once(running: Running) -> None:
    running.tower.create_registry("models")
    script = running.folder / "ranks.py"
    script.write_text(RANKS)
    command(running, str(script))
    runs = running.tower.runs.list("acme/vision")
    assert {(one.name, one.state, one.group) for one in runs} == {
        (f"rank-{rank}", RunState.FINISHED, "ddp") for rank in range(3)
    }
    found = events(running)
    assert found[EventType.CREATE_ARTIFACT] == found[EventType.LINK_ARTIFACT] == 6
    for collection in ("acme/vision/resnet", "models/resnet"):
        versions = running.tower.versions(collection)
        assert [one.index for one in versions] == [5, 4, 3, 2, 1, 0]
        assert [one.index for one in versions if "latest" in one.aliases] == [5]
    assert not [status for _, status in running.server.traffic.answers if status >= 400]


def test_sync_twice_changes_nothing(on_sqlite: Running) -> None:
    on_sqlite.sdk(OFFLINE)
    [folder] = on_sqlite.folder.glob("wandb/offline-run-*")
    found = []
    for _ in range(2):
        command(on_sqlite, "-m", "wandb", "sync", str(folder))
        found.append(events(on_sqlite))
        for marker in folder.glob("*.synced"):
            marker.unlink()  # as if it was copied before
    assert found[0] == found[1]
    assert found[0][EventType.CREATE_ARTIFACT] == 5
    assert {len(on_sqlite.tower.versions(f"acme/vision/points-{one}")) for one in (0, 1)} == {2, 3}
    run = on_sqlite.tower.runs.get("acme/vision/offline")
    assert (run.run.state, run.run.exit_code) == (RunState.FAILED, 3)
    assert [one.value for one in on_sqlite.tower.runs.points("acme/vision/offline", "loss")] == [
        *range(5)
    ]


def test_login_keeps_the_key_for_later_scripts(on_sqlite: Running) -> None:
    said = command(
        on_sqlite, "-m", "wandb", "login", "--relogin", "--host", on_sqlite.url, on_sqlite.key
    )
    assert re.search("ada", said), said
    kept = (on_sqlite.folder / "netrc").read_text()
    assert on_sqlite.key in kept
    on_sqlite.sdk("import wandb; wandb.init(project='vision').finish()", WANDB_API_KEY="")
    assert on_sqlite.tower.runs.list("acme/vision")[0].user == "ada"


def command(running: Running, *arguments: str) -> str:
    """Run Python with the SDK's environment to its end; return what it printed."""
    process = subprocess.run(
        [sys.executable, *arguments],
        env=running.environment(WANDB_SILENT="false"),
        cwd=running.folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout + process.stderr
