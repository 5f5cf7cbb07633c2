"""What the command line tells of why, of what would have been, and of what is sent again."""

from cli.shell import Shell, automation


def test_an_event_is_explained_and_so_is_an_automation(shell: Shell) -> None:
    shell.ok("alias", "add", "acme/vision/resnet:v0", "production")
    event = shell.objects("events", "--limit", "1")[0]["event_id"]
    text = shell.ok("explain", str(event))
    assert "✗  deploy: it watches registry models; this alias was set on the project's" in text
    [found] = shell.objects("explain", str(event))
    assert (found["fired"], found["stopped_by"]) == (False, "another scope")
    reasons = [one["reason"] for one in shell.objects("explain", "--automation", "deploy")]
    assert "another scope" in reasons
    assert "another scope" in shell.ok("explain", "--automation", "deploy", "--since", "1h")
    assert shell.run("explain").returncode == 2
    assert shell.run("explain", "1", "--automation", "deploy").returncode == 2
    assert shell.run("explain", "99999").returncode == 1


def test_a_saved_automation_and_a_draft_are_held_against_the_past(shell: Shell) -> None:
    shell.ok("alias", "add", "models/resnet:v0", "production")
    text = shell.ok("backtest", "deploy", "--since", "1h")
    assert "It would have fired" in text
    assert "in the last 1h" in text
    assert '"alias"' in text
    draft = ("--registry", "models", "--event", "ADD_ARTIFACT_ALIAS", "--no-op")
    [data] = shell.objects("backtest", *draft, "--alias-regex", "^prod", "--cooldown", "10m")
    assert (data["fired"], data["skipped_by_cooldown"]) == (1, 0)
    nothing = shell.run("backtest", *draft, "--alias-regex", "^nothing")
    assert "It would have fired 0 times in the last 30d." in nothing.stdout
    assert "firetower explain" in nothing.stderr


def test_saving_warns_of_one_that_sends_the_same_event_to_the_same_place(shell: Shell) -> None:
    again = ("--registry", "models", "--event", "ADD_ARTIFACT_ALIAS", "--webhook", "ci")
    done = shell.run("automation", "create", "again", *again)
    assert "Note: deploy may send the same event to ci too." in done.stderr
    other = shell.run("automation", "edit", "again", "--event", "LINK_ARTIFACT")
    assert "Note:" not in other.stderr


def test_what_failed_is_sent_again_to_one_endpoint_by_a_plan(shell: Shell) -> None:
    shell.ok("webhook", "create", "down", "http://127.0.0.1:9/", "--retry-schedule", "")
    shell.ok(*automation("--webhook", "down", name="to-down"))
    shell.ok("alias", "add", "models/resnet:v0", "production")
    shell.ok("worker", "--once")
    assert len(shell.objects("feed", "--status", "failed")) == 1
    none = shell.run("redeliver", "--failed", "--since", "1h", "--to", "ci")
    assert "0 executions will be sent again" in none.stderr
    unknown = shell.run("redeliver", "--failed", "--since", "1h", "--to", "nobody")
    assert (unknown.returncode, "no endpoint nobody" in unknown.stderr) == (1, True)
    shown = shell.see("redeliver", "--failed", "--since", "1h", typed="n\n")
    assert "1 execution to down" in shown.text
    assert "nothing is sent again" in shown.text
    done = shell.run("redeliver", "--failed", "--since", "1h", "--to", "down")
    assert "1 execution to down" in done.stderr
    assert "1 execution will be sent again" in done.stderr
