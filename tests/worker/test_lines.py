"""The lines of a worker, beside what the database then holds."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from firetower.core.actions import NoAction
from firetower.core.automations import Definition
from firetower.core.errors import InvalidInput
from firetower.core.events import EventType
from firetower.core.executions import Status
from firetower.core.feed import FeedLine
from firetower.core.references import ContainerReference
from firetower.core.retry import DEFAULT_SCHEDULE
from firetower.core.runs import RUN_TIMEOUT, RunState, StateCondition
from firetower.core.scopes import ContainerScope
from firetower.delivery.client import open_client
from firetower.store import schema
from firetower.store.queue.record import recover
from firetower.store.store import Store
from firetower.tower import Tower
from firetower.worker.run import run_timeout
from firetower.worker.worker import Worker
from receiver import serve
from store.bench import Bench
from towers import every_execution, linked_model, on_alias, webhook


def work(store: Store) -> tuple[list[FeedLine], list[str]]:
    """Run a worker until nothing is due and return its lines, and what it reports."""
    lines: list[FeedLine] = []
    said: list[str] = []

    async def run() -> None:
        async with open_client() as client:
            await Worker(store, client, lines.append, said.append).run(once=True)

    asyncio.run(run())
    return lines, said


def test_each_line_is_of_an_execution_that_can_be_looked_up(tmp_path: Path) -> None:
    with serve() as receiver, Tower(store := Store.open(str(tmp_path / "tower.db"))) as tower:
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        for name in ("watch", "count"):
            tower.automations.create(
                Definition(
                    name=name,
                    scope=ContainerScope(container=ContainerReference.registry("models")),
                    event_type=EventType.ADD_ARTIFACT_ALIAS,
                    action=NoAction(),
                    cooldown=timedelta(minutes=10) if name == "watch" else None,
                )
            )
        tower.add_alias(version, "one", "two", "three")
        lines, _ = work(store)
        assert len(lines) == 9
        said = {
            (
                line.execution.id,
                line.execution.automation,
                line.execution.event.alias,
                line.execution.state.value,
            )
            for line in lines
        }
        assert said == {
            (kept.id, kept.automation, kept.event.alias, kept.status.value)
            for kept in every_execution(tower)
        }


def test_a_lost_try_that_ends_its_execution_leaves_a_line(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "tower.db"))
    bench = Bench(store)
    bench.automate()
    bench.tower.add_alias(bench.version, "one")
    for _ in range(len(DEFAULT_SCHEDULE) + 1):
        assert len(bench.turn(room=1, worker="doomed")) == 1
        with store.changing() as change:
            recover(change, ["doomed"])
        bench.now = bench.only.next_attempt_at or bench.now
    assert len(bench.turn(room=1, worker="doomed")) == 1
    bench.now += timedelta(minutes=1)
    [line], _ = work(store)
    assert line.execution.status is Status.FAILED
    assert (line.execution.detail or "").startswith("gave up, 11 attempts were lost")
    store.close()


def test_answer_after_the_lease_prints_no_line(tmp_path: Path) -> None:
    with serve() as receiver, Tower(store := Store.open(str(tmp_path / "tower.db"))) as tower:
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "production")

        def answer(_: object) -> tuple[int, dict[str, str], bytes]:
            if len(receiver.requests) > 1:
                return 200, {}, b""
            with store.changing() as change:
                holder = select(schema.executions.c.worker_id)
                recover(change, change.connection.scalars(holder).all())
            assert [line.execution.status for line in work(store)[0]] == [Status.FINISHED]
            return 500, {}, b""

        receiver.answer = answer
        lines, said = work(store)
        assert lines == []
        assert "attempt 1 of execution 1 ended after its lease" in said[-1]
        [execution] = every_execution(tower)
        assert (execution.status, execution.attempts) == (Status.FINISHED, 2)


def test_silent_run_is_said_to_have_crashed_and_fires(tmp_path: Path) -> None:
    with Tower(store := Store.open(str(tmp_path / "tower.db"))) as tower:
        tower.create_project("acme/vision")
        tower.automations.create(
            Definition(
                name="died",
                scope=ContainerScope(container=ContainerReference.project("acme/vision")),
                event_type=EventType.RUN_STATE,
                condition=StateCondition(states=(RunState.FAILED,)),
                action=NoAction(),
            )
        )
        tower.runs.start("acme/vision", id="silent")
        assert work(store) == ([], [])
        now = store.clock() + RUN_TIMEOUT + timedelta(seconds=1)
        store.clock = lambda: now
        lines, said = work(store)
    assert [line.execution.event.detail for line in lines] == ["crashed"]
    assert said == ["run acme/vision/silent crashed: no heartbeat for 5m"]


@pytest.mark.parametrize(
    ("given", "timeout"),
    [(None, RUN_TIMEOUT), ("1m", timedelta(minutes=1)), ("soon", None), ("59s", None)],
)
def test_timeout_of_runs_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, given: str | None, timeout: timedelta | None
) -> None:
    monkeypatch.setenv("FIRETOWER_RUN_TIMEOUT", given or "")
    if timeout is not None:
        assert run_timeout() == timeout
        return
    with pytest.raises(InvalidInput, match="FIRETOWER_RUN_TIMEOUT"):
        run_timeout()
