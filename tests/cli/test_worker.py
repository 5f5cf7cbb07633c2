"""`firetower worker`."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

import firetower
from cli.shell import Shell
from firetower.core.actions import NoAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from towers import COMMAND, environment, linked_model, worker
from waiting import TIMEOUT


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "tower.db")
    with firetower.connect(path) as tower:
        linked_model(tower)
        tower.automations.create(
            Definition(
                name="note-aliases",
                scope=ContainerScope(container=ContainerReference.registry("models")),
                event_type=EventType.ADD_ARTIFACT_ALIAS,
                action=NoAction(),
            )
        )
    return path


def test_worker_logs_json_without_secrets(shell: Shell) -> None:
    shell.ok("alias", "add", "models/resnet:v0", "production")
    done = shell.run("worker", "--once", "--log-format", "json")
    [line] = [json.loads(one) for one in done.stdout.splitlines()]
    assert (line["automation"], line["endpoint"], line["attempt_count"]) == ("deploy", "ci", 1)
    assert (line["state"], line["status_code"]) == ("finished", 202)
    assert line["execution_id"] > 0
    assert line["duration_ms"] > 0
    assert all("message" in json.loads(one) for one in done.stderr.splitlines())
    assert "s3cret-value" not in done.stdout + done.stderr


def test_a_hangup_ends_it_gently(database: str) -> None:
    with worker(database) as process:
        process.send_signal(signal.SIGHUP)
        _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert "stopped" in said


@pytest.mark.slow
def test_a_hangup_is_ignored_where_it_was_ignored_before(database: str) -> None:
    ignored = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", COMMAND, "worker"]
    with subprocess.Popen(
        ignored,
        env=environment(database),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "started" in process.stderr.readline()
        process.send_signal(signal.SIGHUP)
        with firetower.connect(database) as tower:
            tower.add_alias("models/resnet:v0", "production")
        assert "note-aliases" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
