"""What all commands share: help, options and listings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.shell import SCRIPT, Shell


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
        (("events",), 7),
        (("feed",), 0),
        (("database", "info"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_listing_is_text_and_json(prepared: Shell, arguments: tuple[str, ...], count: int) -> None:
    assert len(prepared.objects(*arguments)) == count
    text = prepared.run(*arguments)
    assert text.returncode == 0
    assert bool(text.stdout) == bool(count)
    assert "s3cret" not in text.stdout


@pytest.mark.parametrize("before", [True, False])
def test_database_option_works_before_and_after_the_command(tmp_path: Path, before: bool) -> None:
    shell = Shell(tmp_path)
    option, command = ("--database", "other.db"), ("registry", "create", "models")
    shell.ok(*(option + command if before else command + option))
    assert (tmp_path / "other.db").exists()
    assert not shell.database.exists()


def test_no_command_without_terminal_prints_help(prepared: Shell) -> None:
    assert "Did you mean 'automation'?" in prepared.run("automations").stderr
    assert prepared.ok().startswith("Usage: firetower")


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(prepared: Shell, shell_name: str) -> None:
    assert "_FIRETOWER_COMPLETE" in prepared.ok("completion", shell_name)


def test_version_imports_neither_sql_nor_a_screen() -> None:
    program = (
        "import sys\n"
        "from firetower.cli import main\n"
        "try:\n    main(['--version'])\n"
        "except SystemExit as leaving:\n    assert not leaving.code\n"
        "slow = {'sqlmodel', 'sqlalchemy', 'alembic', 'textual', 'rich'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True
    )
    version, imported = done.stdout.splitlines()
    assert version.startswith("firetower ")
    assert imported == "[]"


def test_closed_stdout_is_no_error(shell: Shell) -> None:
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


@pytest.mark.parametrize(
    "command",
    [
        ("registry", "create", "other"),
        ("worker", "--once"),
        ("database", "migrate"),
        ("alias", "add", "models/resnet:v0", "production"),
    ],
    ids=" ".join,
)
def test_read_only_refuses_every_change(shell: Shell, command: tuple[str]) -> None:
    before = shell.objects("events")
    by_option = shell.run(*command, "--read-only")
    in_front = shell.run("--read-only", *command)
    by_environment = shell.run(*command, FIRETOWER_READ_ONLY="1")
    for refused in (by_option, in_front, by_environment):
        assert refused.returncode == 1
        assert refused.stderr.splitlines() == [
            "the database was opened read-only",
            "Leave out --read-only or read_only=True, and unset FIRETOWER_READ_ONLY.",
        ]
    assert shell.objects("events", "--read-only") == before
