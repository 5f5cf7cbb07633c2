"""What a person at a terminal meets, and a script does not."""

import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from rich.cells import cell_len

import firetower
from cli.shell import Shell, automation, lines_of
from firetower.core.endpoints import EndpointKind

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HOSTILE = "[bold]x[/] [/foo] \x1b[31m 日本"
SHOWN = r"[bold]x[/] [/foo] \x1b[31m 日本"

DELETIONS = [
    pytest.param(("webhook", "spare"), id="webhook"),
    pytest.param(("slack", "rest"), id="slack"),
    pytest.param(("secret", "SPARE"), id="secret"),
    pytest.param(("automation", "watch"), id="automation"),
]


@pytest.fixture(scope="session")
def with_spares(prepared: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A database with one of each that can be deleted."""
    shell = Shell(tmp_path_factory.mktemp("spares"))
    shutil.copytree(prepared.folder, shell.folder, dirs_exist_ok=True)
    shell.ok("webhook", "create", "spare", "http://localhost/")
    shell.ok("slack", "create", "rest", "--url-secret", "SLACK_URL")
    shell.ok("secret", "set", "SPARE", stdin="value\n")
    shell.ok(*automation(name="watch"))
    return shell


@pytest.fixture
def spares(with_spares: Shell, tmp_path: Path) -> Shell:
    shutil.copytree(with_spares.folder, tmp_path, dirs_exist_ok=True)
    return Shell(tmp_path)


def _names(shell: Shell) -> set[str]:
    with firetower.connect(str(shell.database)) as tower:
        return (
            {one.name for kind in EndpointKind for one in tower.endpoints.list(kind)}
            | {one.name for one in tower.secrets.list()}
            | {one.name for one in tower.automations.list()}
        )


@pytest.mark.parametrize("what", DELETIONS)
def test_delete_asks_on_a_terminal(spares: Shell, what: tuple[str, str]) -> None:
    kind, name = what
    kept = spares.see(kind, "delete", name, typed="\n")
    assert kept.returncode == 1
    assert f"Delete {kind} {name}? [y/N]" in kept.text
    assert f"kept {kind} {name}" in kept.text
    assert name in _names(spares)
    gone = spares.see(kind, "delete", name, typed="y\n")
    assert gone.returncode == 0, gone.text
    assert f"Deleted {kind} {name}" in gone.text
    assert name not in _names(spares)


@pytest.mark.parametrize("what", DELETIONS)
def test_delete_with_yes_does_not_ask(spares: Shell, what: tuple[str, str]) -> None:
    kind, name = what
    nothing = spares.see(kind, "delete", "nothing")
    assert nothing.returncode == 1
    assert nothing.text.startswith("there is no")
    told = spares.see(kind, "delete", name, "--yes")
    assert told.returncode == 0
    assert told.text.startswith(f"Deleted {kind} {name}")


@pytest.mark.parametrize("typed", ["n\n", "no\n"])
def test_delete_of_an_automation_offers_to_disable_it(with_spares: Shell, typed: str) -> None:
    shown = with_spares.see("automation", "delete", "watch", typed=typed)
    assert "`firetower automation disable watch` stops it and keeps it. Delete" in shown.text
    assert "watch" in _names(with_spares)


@pytest.fixture(scope="session")
def hostile(with_spares: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A database with a description that a terminal or a markup reader would obey."""
    shell = Shell(tmp_path_factory.mktemp("hostile"))
    shutil.copytree(with_spares.folder, shell.folder, dirs_exist_ok=True)
    shell.ok("registry", "create", "audio", "--description", HOSTILE)
    return shell


def test_table_is_drawn_if_the_terminal_is_wide_enough(hostile: Shell) -> None:
    wide = hostile.see("registry", "list", columns=100)
    lines = wide.text.splitlines()
    assert (lines[0][0], lines[0][-1], lines[-1][0]) == ("╭", "╮", "╰")
    plain = ANSI.sub("", wide.text)
    assert re.search(r"│ registry +│", plain)
    assert SHOWN in plain
    assert {cell_len(line) for line in plain.splitlines()} == {cell_len(plain.splitlines()[0])}
    narrow = hostile.see("registry", "list", columns=40)
    assert narrow.text == hostile.ok("registry", "list")
    assert narrow.text.startswith("REGISTRY ")
    assert SHOWN in narrow.text


def test_hashing_of_much_draws_a_bar_on_a_terminal(shell: Shell) -> None:
    with (shell.folder / "large.bin").open("wb") as file:
        file.truncate(80 * 1024 * 1024)  # a hole: no disk is filled
    log = ("log", "acme/vision/large", "large.bin", "--type", "model")
    seen = shell.see(*log)
    assert seen.returncode == 0, seen.text
    assert re.search(r"Hashing.*80\.0 MiB", ANSI.sub("", seen.text))
    small = shell.see("log", "acme/vision/small", "model.pt", "--type", "model")
    assert "Hashing" not in small.text
    kept = shell.run("log", "acme/vision/large2", "large.bin", "--type", "model")
    assert (kept.stdout, kept.stderr) == ("acme/vision/large2:v0\n", "")


def test_log_from_draws_a_bar_on_a_terminal(shell: Shell) -> None:
    (shell.folder / "versions.jsonl").write_text(lines_of(450))
    seen = shell.see("log", "--from", "versions.jsonl")
    assert seen.returncode == 0, seen.text
    drawn = ANSI.sub("", seen.text)
    assert re.search(r"Logging.*450 lines", drawn)
    assert seen.text.endswith("Logged 450 lines: 450 new versions.\n")
    bar = seen.text.removesuffix("Logged 450 lines: 450 new versions.\n")
    assert "\x1b[2K" in bar.rpartition("450 lines")[2]  # the bar is wiped off at the end
    again = shell.run("log", "--from", "versions.jsonl")
    assert (again.stdout, again.stderr) == ("", "Logged 450 lines: 450 new versions.\n")
    (shell.folder / "versions.jsonl").write_text(lines_of(1))
    drawn = ANSI.sub("", shell.see("log", "--from", "versions.jsonl").text)
    assert "Logged 1 line: 1 new version." in drawn
    assert "1 lines" not in drawn


def test_a_long_wait_for_another_process_is_said(shell: Shell) -> None:
    url = f"sqlite:///{shell.database}?timeout=2"
    with closing(sqlite3.connect(shell.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        shown = shell.see("registry", "create", "other", "--database", url)
    assert shown.returncode == 1
    waiting, locked, _ = shown.text.splitlines()
    assert re.fullmatch(rf"Waiting for (process {os.getpid()} \(.*\)|another program)…", waiting)
    assert "is locked by another process" in locked
