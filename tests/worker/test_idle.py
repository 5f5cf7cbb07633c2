"""What an idle worker leaves undone: cycles that its own changes woke."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from firetower.delivery.client import open_client
from firetower.store.changes import Change
from firetower.store.store import Store
from firetower.store.workers import HEARTBEAT_INTERVAL
from firetower.tower import Tower
from firetower.worker.worker import Worker
from receiver import serve
from towers import linked_model, on_alias, webhook


def test_only_the_changes_of_others_answers_and_time_make_a_cycle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Store.open(str(tmp_path / "tower.db"))) as store:
        asyncio.run(_turn(store, monkeypatch))


async def _turn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    changes, changing = [], Store.changing

    @contextmanager
    def counted(self: Store) -> Iterator[Change]:
        if self is store:
            changes.append(1)
        with changing(self) as change:
            yield change

    monkeypatch.setattr(Store, "changing", counted)
    async with open_client() as client:
        worker = Worker(store, client, lambda _: None, lambda _: None)

        def cycles() -> int:
            changes.clear()
            worker._cycle([], [])
            worker._cycle([], [])
            return len(changes)

        with serve() as receiver, closing(Store.open(str(store.database.location))) as other:
            tower = Tower(other)
            assert cycles() == 1  # the first heartbeat
            webhook(tower, "ci", receiver.url())
            version = linked_model(tower)
            on_alias(tower, "deploy", "ci")
            assert cycles() == 1
            assert cycles() == 0
            tower.add_alias(version, "production")
            [(claim, _)] = worker._cycle([], []).claims
            assert claim.event.alias == "production"
            assert cycles() == 0
            clock = store.clock
            store.clock = lambda: clock() + HEARTBEAT_INTERVAL
            assert cycles() == 1
