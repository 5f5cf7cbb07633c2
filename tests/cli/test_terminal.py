"""What a person at a terminal meets, and a script does not."""

import shutil
from pathlib import Path

import pytest

import firetower
from cli.shell import Shell, automation
from firetower.core.integrations import IntegrationKind

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
            {one.name for kind in IntegrationKind for one in tower.integrations.list(kind)}
            | {one.name for one in tower.secrets.list()}
            | {one.name for one in tower.automations.list()}
        )


@pytest.mark.parametrize("what", DELETIONS)
def test_deleting_asks_a_person(spares: Shell, what: tuple[str, str]) -> None:
    kind, name = what
    kept = spares.see(kind, "delete", name, typed="\n")
    assert kept.returncode == 1
    assert f"Delete {kind} {name}? [y/N]" in kept.text
    assert f"kept {kind} {name}" in kept.text
    assert name in _names(spares)
    gone = spares.see(kind, "delete", name, typed="y\n")
    assert gone.returncode == 0, gone.text
    assert f"Deleted {kind} {name}." in gone.text
    assert name not in _names(spares)


@pytest.mark.parametrize("what", DELETIONS)
def test_neither_a_script_nor_who_said_yes_is_asked(spares: Shell, what: tuple[str, str]) -> None:
    kind, name = what
    nothing = spares.see(kind, "delete", "nothing")
    assert nothing.returncode == 1
    assert nothing.text.startswith("there is no")
    told = spares.see(kind, "delete", name, "--yes")
    assert (told.returncode, told.text) == (0, f"Deleted {kind} {name}.\n")


@pytest.mark.parametrize("typed", ["n\n", "no\n"])
def test_disabling_is_offered_before_an_automation_is_deleted(
    with_spares: Shell, typed: str
) -> None:
    shown = with_spares.see("automation", "delete", "watch", typed=typed)
    assert "`firetower automation disable watch` stops it and keeps it. Delete" in shown.text
    assert "watch" in _names(with_spares)
