"""The command line as people and scripts meet it: the installed script, in its own process."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from circuits import open_circuit
from cli.shell import SCRIPT, Shell, automation
from firetower.core.circuit_breaker import FIRST_PAUSE
from firetower.core.retry import Answer


def test_an_alias_goes_to_the_webhook_and_into_the_feed(shell: Shell) -> None:
    shell.ok("alias", "add", "models/resnet:v0", "production")
    done = shell.run("worker", "--once")
    assert done.returncode == 0, done.stderr
    assert "✓ finished  deploy  alias added  models/resnet:v0 ← production  202" in done.stdout
    assert "started" in done.stderr
    assert "stopped" in done.stderr
    [line] = shell.objects("feed", "--since", "1h", "--status", "finished")
    assert line["status_code"] == 202
    assert shell.objects("feed", "--status", "failed") == []
    assert shell.objects("execution", "list", "--status", "finished") == [line]
    assert "✓ finished  deploy" in shell.ok("execution", "list")
    [execution] = shell.objects("execution", "show", str(line["execution_id"]))
    tries = execution["attempts"]
    assert isinstance(tries, list)
    assert [json.loads(one["request_body"]) for one in tries] == [{"alias": "production"}]
    text = shell.ok("execution", "show", str(line["execution_id"]))
    assert '{"alias":"production"}' in text.replace(": ", ":")
    assert "s3cret" not in text
    assert "1 execution" in shell.run("execution", "redeliver", str(line["execution_id"])).stderr
    assert "202" in shell.ok("worker", "--once")
    assert "0 executions" in shell.run("redeliver", "--failed", "--since", "2h").stderr


def test_the_catalog_can_be_changed_and_shown(shell: Shell) -> None:
    again = shell.run("log", "acme/vision/resnet", "model.pt", "--type", "model")
    assert (again.stdout, again.returncode) == ("acme/vision/resnet:v0\n", 0)
    assert "Nothing new" in again.stderr
    shell.ok("tag", "add", "models/resnet", "nice")
    shell.ok("tag", "add", "models/resnet:v0", "reviewed")
    [registry] = shell.objects("registry", "show", "models")
    assert registry["contents"][0]["tags"] == ["nice"]  # type: ignore[index]
    [version] = shell.objects("show", "models/resnet:staging")
    assert version["tags"] == ["reviewed"]
    assert version["metadata"] == {"accuracy": 0.9, "by": "alice"}
    shell.ok("alias", "remove", "models/resnet:v0", "staging")
    shell.ok("tag", "remove", "models/resnet:v0", "reviewed")
    shell.ok("unlink", "models/resnet:v0")
    assert shell.objects("show", "models/resnet") == []
    types = [event["event_type"] for event in shell.objects("events")]
    assert types[-1] == "UNLINK_ARTIFACT"
    assert len(shell.objects("events", "--limit", "2")) == 2


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (("registry", "list"), 1),
        (("project", "list"), 1),
        (("project", "show", "acme/vision"), 1),
        (("show", "acme/vision/resnet"), 1),
        (("show", "acme/vision/resnet:v0"), 1),
        (("secret", "list"), 2),
        (("webhook", "list"), 1),
        (("webhook", "show", "ci"), 1),
        (("slack", "list"), 1),
        (("slack", "show", "team"), 1),
        (("automation", "list"), 1),
        (("automation", "show", "deploy"), 1),
        (("automation", "show", "deploy", "--revisions"), 1),
        (("events",), 6),
        (("feed",), 0),
        (("database", "info"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_every_listing_is_text_and_json(
    prepared: Shell, arguments: tuple[str, ...], count: int
) -> None:
    assert len(prepared.objects(*arguments)) == count
    text = prepared.run(*arguments)
    assert text.returncode == 0
    assert bool(text.stdout) == bool(count)
    assert "s3cret" not in text.stdout


def test_secrets_can_be_replaced_and_deleted_and_never_read(shell: Shell) -> None:
    assert "24 hours" in shell.run("secret", "set", "CI_TOKEN", stdin="other\r\n").stderr
    shell.ok("secret", "set", "SPARE", stdin="one line")
    shell.ok("secret", "delete", "SPARE")
    names = [secret["secret"] for secret in shell.objects("secret", "list")]
    assert names == ["CI_TOKEN", "SLACK_URL"]


@pytest.mark.parametrize(("kind", "name"), [("webhook", "ci"), ("slack", "team")])
def test_an_endpoint_can_be_tested_and_switched(shell: Shell, kind: str, name: str) -> None:
    assert shell.ok(kind, "test", name) == "✓ 202\n"
    shell.ok(kind, "disable", name)
    [off] = shell.objects(kind, "show", name)
    assert (off["enabled"], off["disabled_reason"]) == (False, "by hand")
    shell.ok(kind, "enable", name)
    assert shell.objects(kind, "list")[0]["enabled"] is True


def test_a_webhook_takes_its_own_pace(shell: Shell) -> None:
    shell.ok(
        *("webhook", "create", "slow", "https://example.com/", "--signing-secret", "CI_TOKEN"),
        *("--signature-encoding", "hex", "--timeout", "3s", "--max-in-flight", "2"),
        *("--retry-schedule", "5s,5m"),
    )
    [made] = shell.objects("webhook", "show", "slow")
    assert made["retry_schedule"] == ["5s", "5m"]
    assert (made["timeout"], made["max_in_flight"], made["signature_encoding"]) == ("3s", 2, "hex")
    shell.ok("webhook", "delete", "slow")


def test_an_automation_can_be_edited_switched_and_deleted(shell: Shell) -> None:
    shell.ok("automation", "edit", "deploy", "--name", "ship", "--cooldown", "10m")
    shell.ok(
        "automation",
        "edit",
        "ship",
        "--collection",
        "resnet",
        "--tag-regex",
        "x",
        "--event",
        "ADD_ARTIFACT_TAG",
        "--slack",
        "team",
        "--severity",
        "warn",
    )
    shell.ok("automation", "edit", "ship", "--cooldown", "none", "--title", "Tag ${tag}")
    [edited] = shell.objects("automation", "show", "ship")
    assert edited["cooldown"] is None
    assert edited["action"] == {
        "type": "NOTIFICATION",
        "endpoint": "team",
        "title": "Tag ${tag}",
        "message": None,
        "severity": "WARN",
    }
    for verb, mode in (("disable", "disabled"), ("shadow", "shadow"), ("enable", "enabled")):
        shell.ok("automation", verb, "ship")
        assert shell.objects("automation", "show", "ship")[0]["mode"] == mode
    assert len(shell.objects("automation", "show", "ship", "--revisions")) == 7
    shell.ok(*automation("--project", "acme/vision", "--collections", "/^res/", "--shadow"))
    assert shell.objects("automation", "show", "new")[0]["mode"] == "shadow"
    shell.ok("automation", "delete", "ship")
    assert "resnet" not in shell.ok("automation", "list")


@pytest.mark.parametrize("before", [True, False])
def test_the_database_can_be_named_before_and_after_the_command(
    tmp_path: Path, before: bool
) -> None:
    shell = Shell(tmp_path)
    option, command = ("--database", "other.db"), ("registry", "create", "models")
    shell.ok(*(option + command if before else command + option))
    assert (tmp_path / "other.db").exists()
    assert not shell.database.exists()


def test_alone_it_prints_help(prepared: Shell) -> None:
    assert prepared.ok().startswith("Usage: firetower")


def test_the_help_of_event_comes_from_the_table(prepared: Shell) -> None:
    help_ = " ".join(prepared.ok("automation", "create", "--help").split())
    assert "In a project: CREATE_ARTIFACT (new version)." in help_


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion(prepared: Shell, shell_name: str) -> None:
    assert "_FIRETOWER_COMPLETE" in prepared.ok("completion", shell_name)


def test_version_imports_neither_sql_nor_a_screen() -> None:
    program = (
        "import sys\n"
        "from firetower.cli import main\n"
        "try:\n    main(['--version'])\n"
        "except SystemExit as leaving:\n    assert not leaving.code\n"
        "print(sorted({'sqlmodel', 'sqlalchemy', 'textual', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True
    )
    version, imported = done.stdout.splitlines()
    assert version.startswith("firetower ")
    assert imported == "[]"


def test_a_reader_that_leaves_is_no_error(shell: Shell) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [SCRIPT, "events", "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=os.environ | {"FIRETOWER_DATABASE_URL": str(shell.database)},
        check=False,
    )
    os.close(writing)
    assert done.stderr == b""


def follow_feed(shell: Shell, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SCRIPT, "feed", "--follow", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"FIRETOWER_DATABASE_URL": str(shell.database)},
    )


def test_the_feed_follows_and_stops_quietly(shell: Shell) -> None:
    shell.ok(*automation(name="watch"))
    shell.ok("alias", "add", "models/resnet:v0", "first")
    shell.ok("worker", "--once")
    with follow_feed(shell) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        assert "← first" in following.stdout.readline()
        shell.ok("alias", "add", "models/resnet:v0", "second")
        shell.ok("worker", "--once")
        assert "← second" in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.wait(10) == 130
        assert following.stderr.read().strip() == "following the feed; Ctrl-C ends it"


def test_a_test_request_is_told_as_data(shell: Shell, receiver: str) -> None:
    [answer] = shell.objects("webhook", "test", "ci")
    assert isinstance(answer.pop("duration_ms"), float)
    assert answer == {
        "webhook": "ci",
        "succeeded": True,
        "status_code": 202,
        "error": None,
        "response_body": "",
    }
    shell.ok("webhook", "create", "down", "http://127.0.0.1:1/")
    failed = shell.run("webhook", "test", "down", "--json")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["succeeded"] is False
    assert "did not take the test" in failed.stderr


def test_who_follows_the_feed_hears_of_circuits_apart_from_the_data(shell: Shell) -> None:
    with follow_feed(shell, "--json") as following:
        assert following.stdout is not None
        assert following.stderr is not None
        assert following.stderr.readline() == "following the feed; Ctrl-C ends it\n"
        open_circuit(str(shell.database), "ci", Answer(503))
        said = following.stderr.readline()
        assert said.startswith("! circuit of ci opened, next try ")
        assert said.endswith("; 503, 5 times in a row\n")
        shell.ok("webhook", "enable", "ci")
        assert following.stderr.readline().startswith("✓ circuit of ci closed ")
        following.send_signal(signal.SIGINT)
        assert following.wait(10) == 130
        assert following.stdout.read() == ""


def test_the_feed_lists_circuits_for_people_and_not_for_programs(shell: Shell) -> None:
    shell.ok("alias", "add", "models/resnet:v0", "production")
    shell.ok("worker", "--once")
    open_circuit(str(shell.database), "ci", Answer(503))
    shell.ok("webhook", "enable", "ci")
    fired, opened, closed = shell.ok("feed").splitlines()
    assert "✓ finished" in fired
    assert "  ! circuit of ci opened, next try " in opened
    assert opened.endswith("; 503, 5 times in a row")
    assert "  ✓ circuit of ci closed" in closed
    assert shell.ok("feed", "--limit", "1").splitlines() == [closed]
    assert shell.ok("feed", "--limit", "0") == ""
    assert "circuit" not in shell.ok("feed", "--status", "finished")
    assert [one["state"] for one in shell.objects("feed")] == ["finished"]
    assert len(shell.objects("feed", "--limit", "1")) == 1


def test_who_follows_the_feed_sees_circuits_among_its_lines(shell: Shell) -> None:
    open_circuit(str(shell.database), "ci", Answer(503))
    with follow_feed(shell) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        assert following.stderr.readline() == "following the feed; Ctrl-C ends it\n"
        assert "! circuit of ci opened, next try " in following.stdout.readline()
        shell.ok("webhook", "enable", "ci")
        assert "✓ circuit of ci closed " in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.wait(10) == 130
        assert following.stdout.read() == ""


@pytest.fixture
def failing(shell: Shell) -> Shell:
    """A database whose webhook has an open circuit that holds two executions."""
    shell.ok("alias", "add", "models/resnet:v0", "production")
    shell.ok("worker", "--once")
    open_circuit(str(shell.database), "ci", Answer(503))
    shell.ok("alias", "add", "models/resnet:v0", "prod-eu", "prod-us")
    shell.ok("worker", "--once")
    return shell


def test_an_automation_says_that_its_endpoint_fails(failing: Shell) -> None:
    [listed] = failing.objects("automation", "list")
    [shown] = failing.objects("automation", "show", "deploy")
    for one in (listed, shown):
        trouble = one["endpoint_trouble"]
        assert isinstance(trouble, str)
        assert trouble.startswith("circuit open: 503, 5 failures in a row, next try ")
        assert trouble.endswith(", 2 waiting")
    assert "POST to ci: held, 2 waiting" in failing.ok("automation", "list")
    assert "2 waiting" in failing.ok("automation", "show", "deploy")


def test_a_webhook_gives_its_circuit_as_data(failing: Shell) -> None:
    [listed] = failing.objects("webhook", "list")
    [shown] = failing.objects("webhook", "show", "ci")
    for one in (listed, shown):
        circuit = one["circuit"]
        assert isinstance(circuit, dict)
        assert circuit.keys() == {"opened_at", "next_attempt_at", "failures_in_a_row", "reason"}
        assert (circuit["failures_in_a_row"], circuit["reason"]) == (5, "503")
        opened, again = (
            datetime.fromisoformat(circuit[name]) for name in ("opened_at", "next_attempt_at")
        )
        assert again - opened == FIRST_PAUSE
        assert one["enabled"] is True
    assert (shown["waiting"], shown["missed"], shown["automations"]) == (2, 0, ["deploy"])


def test_enabling_a_webhook_closes_its_circuit(failing: Shell) -> None:
    assert failing.run("webhook", "enable", "ci").stderr == "Enabled webhook ci.\n"
    [shown] = failing.objects("webhook", "show", "ci")
    assert shown["circuit"] is None
    [automation] = failing.objects("automation", "show", "deploy")
    assert automation["endpoint_trouble"] is None
    assert [one["endpoint_trouble"] for one in failing.objects("automation", "list")] == [None]
    assert "POST to ci:" not in failing.ok("automation", "list")
    failing.ok("worker", "--once")
    assert {one["state"] for one in failing.objects("feed")} == {"finished"}


def test_a_disabled_webhook_says_so_where_its_automations_are(shell: Shell) -> None:
    shell.ok("webhook", "disable", "ci")
    shell.ok("alias", "add", "models/resnet:v0", "production")
    shell.ok("worker", "--once")
    assert "POST to ci: muted, 1 missed" in shell.ok("automation", "list")
    [listed] = shell.objects("automation", "list")
    assert str(listed["endpoint_trouble"]).endswith(": by hand, 1 missed")
