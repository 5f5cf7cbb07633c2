"""Backtests over a million stored events, beside SQLite counting the same events."""

import time
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import firetower
from benchmarks import data
from benchmarks.table import Row
from firetower.core.actions import NoAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.filters import Filter
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope

EVENTS, REGISTRIES, ROUNDS = 1_000_000, 100, 3
AIM = 2.0
"""Seconds."""
_SOME = {"alias": {"$regex": "^prod-[0-9]*700$"}}
_WORST = {"metadata.accuracy": {"$gt": 0.5}}
"""It holds for every event, and no column tells so: each is read with its version."""
_ADD = """
WITH RECURSIVE n(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM n WHERE v < {count} - 1)
INSERT INTO events
  (type, recorded_at, author, collection_id, version_id, version_index, alias, evaluated)
SELECT ?, ? + v, 'ada', 1000 + {collection}, 1, 0, 'prod-' || v, 1 FROM n
"""


def measure(folder: Path) -> list[Row]:
    """A hundredth of the events in scope, spread over all; and all of them in scope."""
    return [
        _measure(folder / "some.db", "backtest, 1 % of 1,000,000 in scope", _SOME, "v % 100", AIM),
        _measure(folder / "all.db", "backtest, all of 1,000,000 in scope", _WORST, "0", None),
    ]


def _measure(
    path: Path, name: str, filter_: Mapping[str, object], collection: str, aim: float | None
) -> Row:
    data.make_catalog(path, REGISTRIES, REGISTRIES)
    event, moment = EventType.ADD_ARTIFACT_ALIAS.value, int(data.NOON.timestamp()) * 1_000_000
    with closing(data.raw(path)) as connection:
        connection.execute(_ADD.format(count=EVENTS, collection=collection), (event, moment))
        begun = time.perf_counter()
        query = "SELECT count(alias) FROM events WHERE type = ? AND collection_id = 1000"
        assert connection.execute(query, (event,)).fetchone()[0] >= EVENTS / REGISTRIES
        reference = time.perf_counter() - begun
    definition = Definition(
        name="backtest",
        scope=ContainerScope(container=ContainerReference.registry("reg-0")),
        event_type=EventType.ADD_ARTIFACT_ALIAS,
        filter=Filter.of(dict(filter_)),
        action=NoAction(),
    )
    spent = []
    with firetower.connect(str(path)) as tower:
        for _ in range(ROUNDS if aim else 1):
            begun = time.perf_counter()
            found = tower.automations.backtest(definition, data.NOON - timedelta(days=1))
            spent.append(time.perf_counter() - begun)
            assert found.fired > 0
    ours = min(spent)
    return Row(
        name,
        f"{ours:.2f} s",
        f"{reference:.2f} s",
        ours / reference,
        "" if aim is None else f"≤ {aim:g} s",
        aim is None or ours <= aim,
    )
