"""`firetower explain`."""

from cli.shell import Shell


def test_explain_an_event_and_an_automation(shell: Shell) -> None:
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
