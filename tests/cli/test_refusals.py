"""What the command line refuses: two lines on stderr and exit 1, or the usage and exit 2."""

import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing

import pytest

from cli.shell import SCRIPT, Shell, automation

LOOK_AHEAD = "(?=x)"


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "malformed reference": (("show", "a/b/c/d:v0"), "does not name a collection"),
    "no version": (("unlink", "models/resnet"), "does not name a version"),
    "delete a link": (("delete", "models/resnet:v0"), "firetower unlink"),
    "delete nothing": (("delete", "models/resnt"), "resnet"),
    "unknown project": (("project", "show", "acme/visoin"), "acme/vision"),
    "unknown registry": (("registry", "show", "model"), "models"),
    "unknown collection": (("show", "models/resnt:v0"), "resnet"),
    "unknown alias": (("show", "models/resnet:stagin"), "staging"),
    "unknown automation": (("automation", "show", "deplo"), "deploy"),
    "unknown webhook": (("webhook", "show", "cii"), "ci"),
    "unknown slack": (("slack", "test", "ci"), "webhook"),
    "unknown secret": (("secret", "delete", "CI"), "CI"),
    "unknown granted secret": (
        ("webhook", "create", "n", "http://x/", "--access-token", "CI_TOKN"),
        "CI_TOKN",
    ),
    "unknown execution": (("execution", "show", "99"), "99"),
    "redeliver unknown": (("redeliver", "99"), "99"),
    "event not in scope": (automation("--event", "CREATE_ARTIFACT"), "LINK_ARTIFACT"),
    "unknown event": (automation("--event", "LINK_ARTEFACT"), "Did you mean LINK_ARTIFACT?"),
    "regex": (automation("--alias-regex", LOOK_AHEAD), "RE2 refuses"),
    "operator": (automation("--filter", '{"alias":{"$like":"x"}}'), "$like"),
    "filter not JSON": (automation("--filter", "{"), "not JSON"),
    "field not carried": (automation("--tag-regex", "x"), "tag"),
    "payload not JSON": (automation("--webhook", "ci", "--payload", "{"), "JSON"),
    "payload file": (automation("--webhook", "ci", "--payload", "@none.json"), "none.json"),
    "unknown variable": (automation("--webhook", "ci", "--payload", '{"a":"${alais}"}'), "alias"),
    "never-present variable": (automation("--webhook", "ci", "--payload", '{"a":"${tag}"}'), "tag"),
    "cooldown": (automation("--cooldown", "soon"), "span of time"),
    "negative cooldown": (automation("--cooldown", "0s"), "longer than zero"),
    "reserved entity": (("project", "create", "organization/x"), "organization's name"),
    "URL": (("webhook", "create", "n", "ftp://example.com"), "not http or https"),
    "schedule": (
        ("webhook", "create", "n", "http://x/", "--retry-schedule", "5s,x"),
        "span of time",
    ),
    "wait left out": (
        ("webhook", "create", "n", "http://x/", "--retry-schedule", "5s,,5m"),
        '"" is not a span of time',
    ),
    "negative wait": (
        ("webhook", "create", "n", "http://x/", "--retry-schedule", "5s,-5s"),
        "span of time",
    ),
    "endless wait": (
        ("webhook", "create", "n", "http://x/", "--retry-schedule", "200000000h"),
        "longer than 30d",
    ),
    "missing path": (("log", "acme/vision/new", "none.pt", "--type", "model"), "none.pt"),
    "second type": (("log", "acme/vision/resnet", "payload.json", "--type", "dataset"), "model"),
    "metadata": (
        ("log", "acme/vision/new", "model.pt", "--type", "m", "--metadata", "[1]"),
        "object",
    ),
    "duplicate registry": (("registry", "create", "models"), "models"),
    "duplicate webhook": (("webhook", "create", "ci", "http://x/"), "exists already"),
    "duplicate automation": (automation(name="deploy"), "exists already"),
    "secret in use": (("secret", "delete", "CI_TOKEN"), "ci"),
    "webhook in use": (("webhook", "delete", "ci"), "deploy"),
    "since": (("feed", "--since", "some day"), "some day"),
    "negative since": (("feed", "--since", "-5m"), "span of time"),
    "negative redelivery": (("redeliver", "--failed", "--since", "-5m"), "span of time"),
    "secret name": (("secret", "set", "a-b"), "not allowed"),
    "empty secret": (("secret", "set", "EMPTY"), "empty"),
    "own alias": (("alias", "add", "models/resnet:v0", "latest"), "latest"),
    "database URL": (("--database", "mysql://x/y", "feed"), "mysql"),
}


def assert_refused(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2, done.stderr
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("case", REFUSED)
def test_refusal_is_two_lines_and_exit_1(shell: Shell, case: str) -> None:
    arguments, words = REFUSED[case]
    assert_refused(shell.run(*arguments), words)


def test_argument_that_is_not_unicode_is_refused(shell: Shell) -> None:
    done = subprocess.run(
        [SCRIPT, "automation", "show", b"\xff"],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"FIRETOWER_DATABASE_URL": str(shell.database)},
        check=False,
    )
    assert_refused(done, "")


def _no_database(shell: Shell) -> None:
    for suffix in ("-wal", "-shm"):
        shell.database.with_name(shell.database.name + suffix).unlink(missing_ok=True)
    shell.database.write_text("A letter to the editor, which is no database at all." * 100)


def _newer(shell: Shell) -> None:
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("automation", "show"), 1),
        (("secret", "delete"), 1),
        (("webhook", "show"), 1),
        (("log", "acme/vision/resnet", "--type", "model"), 1),
        (("feed", "--limit"), 2),
        ((), 2),
    ],
)
def test_a_long_name_is_not_repeated_whole(
    prepared: Shell, arguments: tuple[str, ...], code: int
) -> None:
    done = prepared.run(*arguments, "x" * 100_000)
    assert (done.returncode, "xxx" in done.stderr) == (code, True)
    assert len(done.stderr) < 5_000


def _of_another_program(shell: Shell) -> None:
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ae1027a6acf'")


def _key_lost(shell: Shell) -> None:
    shell.database.with_suffix(".key").unlink()


def _key_broken(shell: Shell) -> None:
    shell.database.with_suffix(".key").write_text("not a key")


@pytest.mark.parametrize(
    ("harm", "arguments", "words"),
    [
        (_no_database, ("feed",), "is not a Firetower database"),
        (_no_database, ("database", "info"), "is not a Firetower database"),
        (_of_another_program, ("feed",), "is not a Firetower database"),
        (_newer, ("feed",), "newer Firetower"),
        (_newer, ("database", "migrate"), "newer Firetower"),
        (_key_lost, ("webhook", "test", "ci"), "missing"),
        (_key_lost, ("secret", "set", "MORE"), "missing"),
        (_key_broken, ("webhook", "test", "ci"), "does not hold a secret key"),
    ],
)
def test_damaged_database_is_refused(
    shell: Shell, harm: Callable[[Shell], None], arguments: tuple[str, ...], words: str
) -> None:
    harm(shell)
    assert_refused(shell.run(*arguments, stdin="value\n"), words)


def test_key_of_another_database_is_refused(shell: Shell) -> None:
    other = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    done = shell.run("webhook", "test", "ci", FIRETOWER_SECRET_KEY=other)
    assert_refused(done, "not this database's")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("log", "acme/vision/resnet"),
        ("automation", "create", "n", "--no-op", "--event", "LINK_ARTIFACT"),
        ("automation", "create", "n", "--registry", "models", "--no-op"),
        ("automation", "create", "n", "--registry", "models", "--event", "LINK_ARTIFACT"),
        automation("--webhook", "ci", "--slack", "team"),
        automation("--payload", "{}"),
        automation("--webhook", "ci", "--title", "x"),
        automation("--collections", "x"),
        automation("--shadow", "--disabled"),
        automation("--no-op", "--cooldown", "5m", "--cooldown", "10m"),
        ("webhook", "edit", "ci"),
        ("redeliver",),
        ("redeliver", "--failed"),
        ("redeliver", "1", "--since", "2h"),
        ("feed", "--status", "lost"),
        ("feed", "--limit", "9" * 20),
        ("execution", "show", "9" * 20),
        ("redeliver", "9" * 20),
    ],
    ids=" ".join,
)
def test_usage_error_exits_with_2(prepared: Shell, arguments: tuple[str, ...]) -> None:
    done = prepared.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage:" in done.stderr
