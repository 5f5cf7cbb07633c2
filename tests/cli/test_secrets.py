"""`firetower secret`."""

from cli.shell import Shell


def test_secret_can_be_replaced_and_deleted(shell: Shell) -> None:
    assert "24 hours" in shell.run("secret", "set", "CI_TOKEN", stdin="other\r\n").stderr
    shell.ok("secret", "set", "SPARE", stdin="one line")
    shell.ok("secret", "delete", "SPARE")
    names = [secret["secret"] for secret in shell.objects("secret", "list")]
    assert names == ["CI_TOKEN", "SLACK_URL"]
