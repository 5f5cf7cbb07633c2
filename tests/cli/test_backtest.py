"""`firetower backtest`."""

from cli.shell import Shell


def test_backtest_of_a_saved_automation_and_of_options(shell: Shell) -> None:
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
