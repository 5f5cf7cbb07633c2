"""How SQLite looks for what the queue asks: never through the whole history."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from firetower.core.endpoints import EndpointKind
from firetower.store import driver
from firetower.store.executions import find_ids
from firetower.store.queue.record import recover
from firetower.store.runs import crash_overdue
from firetower.store.store import Store
from store.bench import Bench

_HISTORY = ("events", "executions", "attempts", "runs")


@contextmanager
def statements() -> Iterator[dict[str, Any]]:
    """Note every statement that is run, with its values."""
    noted: dict[str, Any] = {}

    def note(_: object, __: object, statement: str, values: object, *___: object) -> None:
        noted[statement] = values

    def run(connection: Connection, statement: str, values: Any) -> list[tuple[Any, ...]]:
        noted[statement] = values if isinstance(values, dict) else tuple(values)
        return by_driver(connection, statement, values)

    by_driver = driver._run
    event.listen(Engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(driver, "_run", run)
            yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_no_turn_looks_through_the_history(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "tower.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store.open(str(path), author="ada")
    bench = Bench(store)
    bench.automate()
    bench.tower.add_alias(bench.version, "waits")
    with statements() as run:
        bench.turn()
        [claim] = bench.turn(room=1)
        bench.answer(claim, 503)
        bench.tower.add_alias(bench.version, "at-once")
        [claim] = bench.turn(room=1)
        with store.changing() as change:
            recover(change, ["w"])
            crash_overdue(change, timedelta(minutes=5))
            assert find_ids(change, {(1, claim.event.id)}) != {}
        bench.tower.endpoints.disable("ci", EndpointKind.WEBHOOK)
        bench.tower.endpoints.details()
        bench.tower.status()
        bench.tower.mark()
    with store.reading() as reader:
        plans = [
            f"{step.detail}: {statement}"
            for statement, values in run.items()
            if statement.startswith(("SELECT", "UPDATE", "\nUPDATE"))
            for step in reader.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    store.close()
    assert any("INDEX ix_events_unevaluated" in plan for plan in plans)
    assert any("INDEX ix_executions_missed" in plan for plan in plans)
    assert any("INDEX ix_executions_due" in plan for plan in plans)
    scans = [plan for plan in plans for name in _HISTORY if plan.startswith(f"SCAN {name}")]
    newest = "ORDER BY events.id DESC\n LIMIT"
    assert [scan for scan in scans if "INDEX ix_" not in scan and newest not in scan] == []


def test_newest_of_an_automation_are_found_without_a_sort(
    sqlite_template: Path, tmp_path: Path
) -> None:
    path = tmp_path / "tower.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store.open(str(path), author="ada")
    bench = Bench(store)
    bench.automate()
    for alias in ("one", "two", "three"):
        bench.tower.add_alias(bench.version, alias)
    bench.turn()
    with statements() as run:
        found = bench.tower.executions.newest(2, automation_id=1)
    assert [execution.event.alias for execution in found] == ["three", "two"]
    with store.reading() as reader:
        steps = [
            step.detail
            for statement, values in run.items()
            if "FROM executions" in statement or "JOIN executions" in statement
            for step in reader.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    store.close()
    assert any("automation_id=?" in step for step in steps)
    assert not any("ORDER BY" in step for step in steps)
