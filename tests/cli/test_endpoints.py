"""`firetower webhook` and `slack`."""

import json
from datetime import datetime

import pytest

from circuits import open_circuit
from cli.shell import Shell, automation
from firetower.core.circuit_breaker import FIRST_PROBE_DELAY
from firetower.core.retry import Answer


@pytest.mark.parametrize(("kind", "name"), [("webhook", "ci"), ("slack", "team")])
def test_endpoint_can_be_tested_disabled_and_enabled(shell: Shell, kind: str, name: str) -> None:
    assert shell.ok(kind, "test", name) == "✓ 202\n"
    shell.ok(kind, "disable", name)
    [off] = shell.objects(kind, "show", name)
    assert (off["enabled"], off["disabled_reason"]) == (False, "by hand")
    shell.ok(kind, "enable", name)
    assert shell.objects(kind, "list")[0]["enabled"] is True


def test_webhook_takes_delivery_options(shell: Shell) -> None:
    shell.ok(
        *("webhook", "create", "slow", "https://example.com/", "--signing-secret", "CI_TOKEN"),
        *("--signature-encoding", "hex", "--timeout", "3s", "--max-in-flight", "2"),
        *("--retry-schedule", "5s,5m"),
    )
    [made] = shell.objects("webhook", "show", "slow")
    assert made["retry_schedule"] == ["5s", "5m"]
    assert (made["timeout"], made["max_in_flight"], made["signature_encoding"]) == ("3s", 2, "hex")
    shell.ok("webhook", "edit", "slow", "--url", "https://example.com/?sig=q1w2")
    assert shell.objects("webhook", "list")[-1]["url"] == "https://example.com/?sig=••••"
    shown = shell.ok("webhook", "list") + shell.ok("webhook", "show", "slow")
    assert shown.count("?sig=••••") == 2
    assert "q1w2" not in shown
    shell.ok("webhook", "delete", "slow")


def test_edit_changes_only_what_is_given(shell: Shell, receiver: str) -> None:
    shell.ok("webhook", "create", "late", "http://127.0.0.1:9/", "--access-token", "CI_TOKEN")
    shell.ok(*automation("--webhook", "late", name="to-late"))
    shell.ok("alias", "add", "models/resnet:v0", "blue")
    shell.ok("worker", "--once")
    [before] = shell.objects("webhook", "show", "late")
    done = shell.run("webhook", "edit", "late", "--url", receiver, "--access-token", "")
    assert "1 execution in its queue will be sent there" in done.stderr
    [after] = shell.objects("webhook", "show", "late")
    assert after == before | {"url": receiver, "access_token_secret": None}
    assert shell.see("webhook", "delete", "late", typed="n\n").returncode == 1
    shell.ok("automation", "delete", "to-late")
    gone = shell.see("webhook", "delete", "late", typed="y\n")
    assert "1 execution in its queue will be skipped. Delete webhook late?" in gone.text
    assert "1 execution in its queue is skipped." in gone.text
    shell.ok("webhook", "create", "late", "http://127.0.0.1:9/")
    shell.ok("webhook", "disable", "late")
    assert "webhook enable late" in shell.run("webhook", "edit", "late", "--timeout", "3s").stderr
    plain = shell.run("webhook", "edit", "ci", "--access-token", "")
    assert (plain.returncode, plain.stderr) == (0, "Changed webhook ci.\n")
    shell.ok("secret", "set", "NEW_URL", stdin=f"{receiver}\n")
    shell.ok("slack", "edit", "team", "--url-secret", "NEW_URL")
    assert shell.objects("slack", "list")[0]["url_secret"] == "NEW_URL"
    assert shell.run("slack", "edit", "team", "--url-secret", "").returncode == 1
    assert shell.run("slack", "edit", "ci", "--timeout", "3s").returncode == 1


def test_test_request_as_json(shell: Shell, receiver: str) -> None:
    [answer] = shell.objects("webhook", "test", "ci")
    assert isinstance(answer.pop("duration_ms"), float)
    assert answer == {
        "webhook": "ci",
        "succeeded": True,
        "status_code": 202,
        "error": None,
        "response_body": "",
        "proxy": None,
    }
    shell.ok("webhook", "create", "down", "http://127.0.0.1:1/")
    failed = shell.run("webhook", "test", "down", "--json")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["succeeded"] is False
    assert "did not take the test" in failed.stderr


@pytest.fixture
def failing(shell: Shell) -> Shell:
    """A database whose webhook has an open circuit that holds two executions."""
    shell.ok("alias", "add", "models/resnet:v0", "production")
    shell.ok("worker", "--once")
    open_circuit(str(shell.database), "ci", Answer(503))
    shell.ok("alias", "add", "models/resnet:v0", "prod-eu", "prod-us")
    shell.ok("worker", "--once")
    return shell


def test_automation_shows_the_open_circuit_of_its_endpoint(failing: Shell) -> None:
    [listed] = failing.objects("automation", "list")
    [shown] = failing.objects("automation", "show", "deploy")
    for one in (listed, shown):
        assert one["endpoint_state"] == "circuit_open"
        detail = str(one["endpoint_detail"])
        assert detail.startswith("circuit open: 503, 5 failures in a row, next probe ")
        assert detail.endswith(" (2 queued)")
    assert "POST to ci: circuit open (2 queued)" in failing.ok("automation", "list")
    assert "(2 queued)" in failing.ok("automation", "show", "deploy")


def test_webhook_json_has_its_circuit(failing: Shell) -> None:
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
        assert again - opened == FIRST_PROBE_DELAY
        assert one["enabled"] is True
    assert (shown["queued"], shown["missed"], shown["automations"]) == (2, 0, ["deploy"])


def test_enable_closes_the_circuit(failing: Shell) -> None:
    assert failing.run("webhook", "enable", "ci").stderr == "Enabled webhook ci.\n"
    [shown] = failing.objects("webhook", "show", "ci")
    assert shown["circuit"] is None
    [automation] = failing.objects("automation", "show", "deploy")
    assert (automation["endpoint_state"], automation["endpoint_detail"]) == ("ok", None)
    assert [one["endpoint_state"] for one in failing.objects("automation", "list")] == ["ok"]
    assert "POST to ci:" not in failing.ok("automation", "list")
    failing.ok("worker", "--once")
    assert {one["state"] for one in failing.objects("feed")} == {"finished"}


def test_automation_shows_that_its_endpoint_is_disabled(shell: Shell) -> None:
    shell.ok("webhook", "disable", "ci")
    shell.ok("alias", "add", "models/resnet:v0", "production")
    shell.ok("worker", "--once")
    assert "POST to ci: disabled (1 skipped)" in shell.ok("automation", "list")
    [listed] = shell.objects("automation", "list")
    assert listed["endpoint_state"] == "disabled"
    assert str(listed["endpoint_detail"]).endswith(": by hand (1 skipped)")
