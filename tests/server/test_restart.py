"""A server that is killed and started again while a script talks to it."""

import subprocess
import sys
from pathlib import Path

import pytest

import firetower
from firetower.core.runs import RunState
from receiver import closed_port
from serving import Running
from towers import COMMAND, environment
from waiting import TIMEOUT, wait_until

SCRIPT = """
import sys, wandb
run = wandb.init(project="vision", id="long", settings={"x_file_stream_transmit_interval": 1})
for step in range(20):
    run.log({"loss": step})
print("logged", flush=True)
sys.stdin.readline()
for step in range(20, 40):
    run.log({"loss": step})
artifact = wandb.Artifact("resnet", type="model")
artifact.add_reference("https://example.com/a", checksum=False)
run.log_artifact(artifact).wait()
run.finish()
"""


def serve(database: str, port: int) -> "subprocess.Popen[str]":
    """Start a server, and wait until it answers."""
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", str(port), "--no-worker"],
        env=environment(database),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "serving" in process.stderr.readline()
    return process


@pytest.mark.slow
def test_script_goes_on_after_its_server_was_killed(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    database = tmp_path / "tower.db"
    database.write_bytes(sqlite_template.read_bytes())
    with closed_port() as port, firetower.connect(str(database)) as tower:
        _, key = tower.tokens.create("ada", entity="acme")
        url = f"http://127.0.0.1:{port}"
        there = Running(url, key, tower, str(database), tmp_path, None)  # type: ignore[arg-type]
        server = serve(str(database), port)
        script = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env=there.environment(),
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert script.stdout is not None
            assert script.stdout.readline() == "logged\n"
            wait_until(lambda: tower.runs.metrics("acme/vision/long"), "the first points")
            server.kill()
            server.communicate()
            assert tower.status().servers == ()
            assert script.stdin is not None
            script.stdin.write("\n")
            script.stdin.flush()
            server = serve(str(database), port)
            assert script.wait(TIMEOUT) == 0
        finally:
            script.kill()
            script.communicate()
            server.terminate()
            server.communicate(timeout=TIMEOUT)
        points = tower.runs.points("acme/vision/long", "loss")
        assert [one.value for one in points] == list(range(40))
        detail = tower.runs.get("acme/vision/long")
        assert (detail.run.state, detail.logged) == (RunState.FINISHED, ("acme/vision/resnet:v0",))
        assert tower.status().servers == ()
