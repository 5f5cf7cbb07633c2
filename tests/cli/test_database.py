"""`firetower database`."""

import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from cli.shell import Shell
from firetower.cli.database import database
from firetower.core.errors import StoreError
from firetower.store.database import Database

DAY = 24 * 60 * 60 * 1_000_000


def age(shell: Shell) -> None:
    """Let all that happened so far be a hundred days older."""
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute(f"UPDATE events SET recorded_at = recorded_at - {100 * DAY}")
        connection.execute("UPDATE events SET evaluated = 1")


def test_prune_says_how_much_and_deletes_with_yes(shell: Shell) -> None:
    age(shell)
    before = shell.objects("events")
    refused = shell.run("database", "prune", "--older-than", "90d")
    assert refused.returncode == 1
    assert "it would delete" in refused.stderr
    assert shell.objects("events") == before
    done = shell.run("database", "prune", "--older-than", "90d", "--yes", "--vacuum")
    assert done.returncode == 0, done.stderr
    assert f"Deleted {len(before) - 1} events" in done.stderr
    assert len(shell.objects("events")) == 1
    again = shell.run("database", "prune", "--older-than", "90d")
    assert "No events before" in again.stderr


def test_prune_whose_vacuum_fails_says_what_it_deleted(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    age(shell)
    monkeypatch.setenv("FIRETOWER_DATABASE_URL", str(shell.database))
    full = StoreError("the database cannot grow", "Free some space.")
    monkeypatch.setattr(Database, "vacuum", Mock(side_effect=full))
    arguments = ["prune", "--older-than", "90d", "--yes", "--vacuum"]
    with pytest.raises(StoreError, match="cannot grow"):
        database.main(arguments, standalone_mode=False)
    assert "Deleted " in capsys.readouterr().err
    assert len(shell.objects("events")) == 1


@pytest.mark.parametrize("span", ["-5m", "-90d", "5", "1h", "99999999999999999999d"])
def test_prune_refuses_a_bad_span(shell: Shell, span: str) -> None:
    refused = shell.run("database", "prune", "--older-than", span, "--yes")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 2


def _newer(shell: Shell) -> None:
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def test_info_of_a_newer_database(shell: Shell) -> None:
    _newer(shell)
    [told] = shell.objects("database", "info")
    assert (told["schema"], told["state"]) == ("9999", "newer")


def test_info_creates_no_database(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert shell.objects("database", "info")[0]["state"] == "empty"
    assert not shell.database.exists()
    assert "Migrated the schema" in shell.run("database", "migrate").stderr
    assert "Already" in shell.run("database", "migrate").stderr
