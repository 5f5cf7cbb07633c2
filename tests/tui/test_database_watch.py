"""The app notices what other processes change in its database."""

from contextlib import closing
from queue import Queue

import pytest
from textual.message import Message

from firetower.store.workers import record_heartbeat
from firetower.tui.database_watch import DatabaseWatch
from firetower.tui.messages import DatabaseChanged, StatusChanged
from tui.scene import Scene
from waiting import TIMEOUT


@pytest.mark.anyio
async def test_heartbeats_that_change_nothing_shown_are_no_news(scene: Scene) -> None:
    posted = Queue[Message]()
    with closing(scene.open_tower()) as tower:

        def beat(worker: str, problem: str | None = None) -> None:
            with scene.store.changing() as change:
                record_heartbeat(change, worker, problem)

        beat("one")
        watch = DatabaseWatch(tower, posted.put)
        assert isinstance(posted.get(timeout=TIMEOUT), DatabaseChanged)
        for problem in (None, "the key is missing"):
            beat("one")
            beat("two", problem)
            assert isinstance(posted.get(timeout=TIMEOUT), StatusChanged)
        beat("one")
        scene.tower.create_registry("models-3")
        assert isinstance(posted.get(timeout=TIMEOUT), DatabaseChanged)
        await watch.stop()
        assert posted.empty()
