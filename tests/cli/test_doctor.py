"""`firetower doctor`."""

import json
import sqlite3
import time
from contextlib import closing

from cli.shell import Shell

DAY = 24 * 60 * 60 * 1_000_000


def found_by_doctor(shell: Shell) -> dict[object, object]:
    done = shell.run("doctor", "--json")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    failed = any(one["health"] == "fail" for one in objects)
    assert done.returncode == failed, done.stderr
    return {one["check"]: one["health"] for one in objects}


def test_doctor_of_a_sound_database_finds_no_failure(shell: Shell) -> None:
    # No worker is alive: what has waited for long for its evaluation is a warning.
    for moved, events in ((f"{time.time_ns() // 1000}", "ok"), (f"recorded_at - {DAY}", "warn")):
        with closing(sqlite3.connect(shell.database)) as connection, connection:
            connection.execute(f"UPDATE events SET recorded_at = {moved}")
        found = found_by_doctor(shell)
        assert (found.pop("workers"), found.pop("events")) == ("warn", events)
        assert set(found.values()) == {"ok"}
        assert {"database", "schema", "secrets", "backlog", "endpoints", "clock"} < found.keys()


def test_doctor_finds_an_open_and_a_missing_key(shell: Shell) -> None:
    key = shell.database.with_suffix(".key")
    key.chmod(0o644)
    assert found_by_doctor(shell)["secrets"] == "warn"
    key.unlink()
    assert found_by_doctor(shell)["secrets"] == "fail"


def test_doctor_finds_endpoint_clock_and_schema(shell: Shell) -> None:
    shell.ok("webhook", "disable", "ci")
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute(f"UPDATE events SET recorded_at = recorded_at + {DAY}")
    found = found_by_doctor(shell)
    assert (found["endpoints"], found["clock"]) == ("warn", "warn")
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert found_by_doctor(shell)["schema"] == "fail"


def test_doctor_of_a_newer_database_says_to_upgrade(shell: Shell) -> None:
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = shell.run("doctor")
    assert done.returncode == 1
    assert "Upgrade this program" in done.stdout
    assert "migrate" not in done.stdout


def test_doctor_creates_no_database(shell: Shell) -> None:
    shell.database.unlink()
    assert found_by_doctor(shell)["database"] == "fail"
    assert not shell.database.exists()
