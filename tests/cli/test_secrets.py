"""`firetower secret`."""

import pytest

from cli.shell import Shell
from firetower.core.endpoints import Endpoint
from firetower.tower import connect

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\nAAAA\n-----END PRIVATE KEY-----"


def opened(shell: Shell, name: str) -> str:
    """Return the value of a secret, through a webhook that signs with it."""
    shell.ok("webhook", "create", f"by-{name}", "http://ci.test/", "--signing-secret", name)
    with connect(str(shell.database)) as tower:
        endpoint: Endpoint = tower.endpoints.find(f"by-{name}")
        return tower.endpoints.open_secrets(endpoint).values[name]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (f"{PEM}\n", PEM),
        (PEM.replace("\n", "\r\n") + "\r\n", PEM.replace("\n", "\r\n")),
        ("two ends\n\n", "two ends\n"),
        ("one line", "one line"),
        ("schlüssel\n", "schlüssel"),
    ],
)
def test_piped_value_is_kept_whole_but_for_its_last_newline(
    shell: Shell, given: str, kept: str
) -> None:
    done = shell.run("secret", "set", "PIPED", stdin=given)
    assert done.returncode == 0, done.stderr
    assert ("not be an access token" in done.stderr) == (kept != "one line")
    assert opened(shell, "PIPED") == kept


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("NEW", "\ufefftoken\n", "byte order mark"),
        ("NEW", "to\x00ken", "control character \\x00"),
        ("NEW", "\n", "empty"),
        ("CI_TOKEN", f"{PEM}\n", "access token"),
        ("SLACK_URL", "http://slack.test/\nhttp://other.test/", "no URL"),
    ],
)
def test_value_that_cannot_be_sent_is_refused_at_entry(
    shell: Shell, name: str, given: str, words: str
) -> None:
    done = shell.run("secret", "set", name, stdin=given)
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_saved_value_is_refused_where_it_would_be_a_token(shell: Shell) -> None:
    shell.ok("secret", "set", "KEY", stdin=f"{PEM}\n")
    create = ("webhook", "create", "other", "http://ci.test/", "--access-token", "KEY")
    edit = ("webhook", "edit", "ci", "--access-token", "KEY")
    for command in (create, edit, ("slack", "edit", "team", "--url-secret", "KEY")):
        done = shell.run(*command)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 2), done.stderr
    [kept] = shell.objects("webhook", "list")
    assert kept["access_token_secret"] == "CI_TOKEN"


def test_several_lines_pasted_at_the_prompt_are_refused(shell: Shell) -> None:
    pasted = shell.see("secret", "set", "PASTED", typed=f"{PEM}\n")
    assert (pasted.returncode, "has several lines" in pasted.text) == (1, True)
    assert shell.see("secret", "set", "TYPED", typed="t0ken\n").returncode == 0
    assert opened(shell, "TYPED") == "t0ken"


def test_secret_can_be_replaced_and_deleted(shell: Shell) -> None:
    assert "24 hours" in shell.run("secret", "set", "CI_TOKEN", stdin="other\r\n").stderr
    shell.ok("secret", "set", "SPARE", stdin="one line")
    shell.ok("secret", "delete", "SPARE")
    names = [secret["secret"] for secret in shell.objects("secret", "list")]
    assert names == ["CI_TOKEN", "SLACK_URL"]
