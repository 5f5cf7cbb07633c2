"""Operating a database from a shell."""

import json
import sqlite3
from contextlib import closing

import pytest

from cli.shell import Shell, lines_of

DAY = 24 * 60 * 60 * 1_000_000


def age(shell: Shell) -> None:
    """Let all that happened so far be a hundred days older."""
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute(f"UPDATE events SET recorded_at = recorded_at - {100 * DAY}")
        connection.execute("UPDATE events SET evaluated = 1")


def test_prune_says_what_would_go_and_does_it_with_yes(shell: Shell) -> None:
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


@pytest.mark.parametrize("span", ["-5m", "-90d", "5", "1h", "99999999999999999999d"])
def test_prune_refuses_spans_in_two_lines(shell: Shell, span: str) -> None:
    refused = shell.run("database", "prune", "--older-than", span, "--yes")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 2


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
def test_read_only_refuses_every_change_in_two_lines(shell: Shell, command: tuple[str]) -> None:
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


def found_by_doctor(shell: Shell) -> dict[object, object]:
    done = shell.run("doctor", "--json")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    failed = any(one["health"] == "fail" for one in objects)
    assert done.returncode == failed, done.stderr
    return {one["check"]: one["health"] for one in objects}


def test_doctor_finds_nothing_to_fail_where_all_is_well(shell: Shell) -> None:
    found = found_by_doctor(shell)
    assert found.pop("workers") == "warn"
    assert set(found.values()) == {"ok"}
    assert {"database", "schema", "secrets", "backlog", "endpoints", "clock"} < found.keys()


def test_doctor_tells_of_the_key(shell: Shell) -> None:
    key = shell.database.with_suffix(".key")
    key.chmod(0o644)
    assert found_by_doctor(shell)["secrets"] == "warn"
    key.unlink()
    assert found_by_doctor(shell)["secrets"] == "fail"


def test_doctor_tells_of_endpoint_clock_and_schema(shell: Shell) -> None:
    shell.ok("webhook", "disable", "ci")
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute(f"UPDATE events SET recorded_at = recorded_at + {DAY}")
    found = found_by_doctor(shell)
    assert (found["endpoints"], found["clock"]) == ("warn", "warn")
    with closing(sqlite3.connect(shell.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert found_by_doctor(shell)["schema"] == "fail"


def test_doctor_makes_no_database(shell: Shell) -> None:
    shell.database.unlink()
    assert found_by_doctor(shell)["database"] == "fail"
    assert not shell.database.exists()


def test_a_worker_logs_json_without_secrets(shell: Shell) -> None:
    shell.ok("alias", "add", "models/resnet:v0", "production")
    done = shell.run("worker", "--once", "--log-format", "json")
    [line] = [json.loads(one) for one in done.stdout.splitlines()]
    assert (line["automation"], line["endpoint"], line["attempt_count"]) == ("deploy", "ci", 1)
    assert (line["state"], line["status_code"]) == ("finished", 202)
    assert line["execution_id"] > 0
    assert line["duration_ms"] > 0
    assert all("message" in json.loads(one) for one in done.stderr.splitlines())
    assert "s3cret-value" not in done.stdout + done.stderr


def test_many_are_logged_from_lines(shell: Shell) -> None:
    done = shell.run("log", "--from", "-", "--json", stdin=lines_of(450))
    assert json.loads(done.stdout) == {"lines": 450, "created": 450}
    newest, *others = shell.objects("show", "acme/vision/bulk")
    assert len(others) == 449
    assert "latest" in str(newest)
    assert "many" in str(newest)


@pytest.mark.parametrize(
    ("bad", "committed"), [(1, None), (200, None), (201, 200), (450, 400)], ids=str
)
def test_a_bad_line_says_which_and_what_is_committed(
    shell: Shell, bad: int, committed: int | None
) -> None:
    done = shell.run("log", "--from", "-", stdin=lines_of(450, bad=bad))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert done.stderr.startswith(f"line {bad}: type: ")
    said = f"the {committed} before line {(committed or 0) + 1} are committed"
    assert (said if committed else "none is committed") in done.stderr
    logged = shell.run("show", "acme/vision/bulk", "--json").stdout.splitlines()
    assert len(logged) == (committed or 0)


@pytest.mark.parametrize("line", ["nonsense", "[1]", "", '{"collection": 1, "type": "m"}'])
def test_what_is_no_version_is_refused(shell: Shell, line: str) -> None:
    done = shell.run("log", "--from", "-", stdin=line + "\n")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert done.stderr.startswith("line 1: ")
