"""`firetower feed` and `events`."""

import json
import signal
import subprocess

from circuits import open_circuit
from cli.shell import SCRIPT, Shell, automation
from firetower.core.retry import Answer
from waiting import TIMEOUT


def test_execution_of_an_alias_is_in_feed_list_and_show(shell: Shell) -> None:
    shell.ok("alias", "add", "models/resnet:v0", "production")
    done = shell.run("worker", "--once")
    assert done.returncode == 0, done.stderr
    assert "✓ finished  deploy  alias added  models/resnet:v0 ← production  202" in done.stdout
    assert "started" in done.stderr
    assert "stopped" in done.stderr
    [line] = shell.objects("feed", "--since", "1h", "--status", "finished")
    assert line["status_code"] == 202
    assert shell.objects("feed", "--status", "failed") == []
    assert shell.run("feed", "--status", "failed").stderr == "No execution matches.\n"
    assert shell.run("feed", "--limit", "0").stderr == ""
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
    assert shell.run("redeliver", "--failed", "--since", "2h").returncode == 1


def follow_feed(shell: Shell, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SCRIPT, "feed", "--follow", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=shell.environment,
    )


def test_feed_follow_prints_new_entries_until_interrupted(shell: Shell) -> None:
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
        assert following.wait(TIMEOUT) == 130
        assert following.stderr.read().strip() == "following the feed; Ctrl-C ends it"


def test_feed_follow_json_prints_circuits_to_stderr(shell: Shell) -> None:
    with follow_feed(shell, "--json") as following:
        assert following.stdout is not None
        assert following.stderr is not None
        assert following.stderr.readline() == "following the feed; Ctrl-C ends it\n"
        open_circuit(str(shell.database), "ci", Answer(503))
        said = following.stderr.readline()
        assert said.startswith("! circuit of ci opened, probe at ")
        assert said.endswith("; 503, 5 times in a row\n")
        shell.ok("webhook", "enable", "ci")
        assert following.stderr.readline().startswith("✓ circuit of ci closed ")
        following.send_signal(signal.SIGINT)
        assert following.wait(TIMEOUT) == 130
        assert following.stdout.read() == ""


def test_feed_lists_circuits_only_as_text(shell: Shell) -> None:
    shell.ok("alias", "add", "models/resnet:v0", "production")
    shell.ok("worker", "--once")
    open_circuit(str(shell.database), "ci", Answer(503))
    shell.ok("webhook", "enable", "ci")
    fired, opened, closed = shell.ok("feed").splitlines()
    assert "✓ finished" in fired
    assert "  ! circuit of ci opened, probe at " in opened
    assert opened.endswith("; 503, 5 times in a row")
    assert "  ✓ circuit of ci closed" in closed
    assert shell.ok("feed", "--limit", "1").splitlines() == [closed]
    assert shell.ok("feed", "--limit", "0") == ""
    assert "circuit" not in shell.ok("feed", "--status", "finished")
    assert [one["state"] for one in shell.objects("feed")] == ["finished"]
    assert len(shell.objects("feed", "--limit", "1")) == 1


def test_feed_follow_prints_circuits_among_executions(shell: Shell) -> None:
    open_circuit(str(shell.database), "ci", Answer(503))
    with follow_feed(shell) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        assert following.stderr.readline() == "following the feed; Ctrl-C ends it\n"
        assert "! circuit of ci opened, probe at " in following.stdout.readline()
        shell.ok("webhook", "enable", "ci")
        assert "✓ circuit of ci closed " in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.wait(TIMEOUT) == 130
        assert following.stdout.read() == ""
