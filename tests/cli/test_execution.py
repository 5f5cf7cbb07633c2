"""`firetower execution` and `redeliver`."""

from cli.shell import Shell, automation


def test_redeliver_failed_to_one_endpoint_asks_first(shell: Shell) -> None:
    shell.ok("webhook", "create", "down", "http://127.0.0.1:9/", "--retry-schedule", "")
    shell.ok(*automation("--webhook", "down", name="to-down"))
    shell.ok("alias", "add", "models/resnet:v0", "production")
    shell.ok("worker", "--once")
    assert len(shell.objects("feed", "--status", "failed")) == 1
    none = shell.run("redeliver", "--failed", "--since", "1h", "--to", "ci")
    assert (none.returncode, none.stdout) == (1, "")
    assert "nothing failed since then" in none.stderr
    unknown = shell.run("redeliver", "--failed", "--since", "1h", "--to", "nobody")
    assert (unknown.returncode, "no endpoint nobody" in unknown.stderr) == (1, True)
    shown = shell.see("redeliver", "--failed", "--since", "1h", typed="n\n")
    assert "1 execution to down" in shown.text
    assert "nothing is sent again" in shown.text
    done = shell.run("redeliver", "--failed", "--since", "1h", "--to", "down")
    assert "1 execution to down" in done.stderr
    assert "1 execution will be sent again" in done.stderr
    assert "disabled" not in done.stderr
    shell.ok("webhook", "disable", "down")
    waits = shell.run("redeliver", "1").stderr
    assert "down is disabled: 1 execution waits until `firetower webhook enable down`" in waits
