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
from firetower.core.backtest import Backtest
from firetower.core.events import EventType
from firetower.core.filters import Filter
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope

EVENTS, REGISTRIES, ROUNDS = 1_000_000, 100, 2
FIRST = 0.2
"""Seconds to the first result, whatever the number of events."""
_SOME = {"alias": {"$regex": "^prod-[0-9]*700$"}}
_METADATA = (
    '{"accuracy":0.%06d,"framework":"torch","epochs":%d,"dataset":"coco-%d",'
    '"stage":{"eu":true},"labels":["a","b"]}'
)
_NUMBERS = "WITH RECURSIVE n(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM n WHERE v < {last})"
_ADD_VERSIONS = f"""{_NUMBERS}
INSERT INTO versions
  (id, artifact_id, home_collection_id, home_index, digest, size, file_count, metadata_json,
   author, created_at)
SELECT 1000 + v, 'made-' || v, 1000, v, digest, 1, 1, printf(?, v, v % 50, v % 10), 'ada', 0
FROM n JOIN versions ON versions.id = 1
"""
_ADD_EVENTS = f"""{_NUMBERS}
INSERT INTO events
  (type, recorded_at, author, collection_id, version_id, version_index, alias, evaluated)
SELECT ?, ? + v, 'ada', 1000 + {{collection}}, 1000 + v, v, 'prod-' || v, 1 FROM n
"""


def measure(folder: Path) -> list[Row]:
    """A hundredth of the events in scope, spread over all; and all of them in scope.

    Each event is about a version of its own, with six keys of metadata. The first result is
    measured, and the whole.
    """
    some, every = folder / "some.db", folder / "all.db"
    _fill(some, f"v % {REGISTRIES}")
    rows = _measure(some, "1 % of 1,000,000 in scope", _SOME)
    some.unlink()
    _fill(every, "0")
    return [
        *rows,
        *_measure(every, "all of 1,000,000, any", {}),
        *_measure(every, "all, metadata of 1 %", {"metadata.accuracy": {"$gte": 0.99}}),
        *_measure(every, "all, metadata of all", {"metadata.accuracy": {"$gte": 0}}),
    ]


def _fill(path: Path, collection: str) -> None:
    data.make_catalog(path, REGISTRIES, REGISTRIES)
    event, moment = EventType.ADD_ARTIFACT_ALIAS.value, int(data.NOON.timestamp()) * 1_000_000
    with closing(data.raw(path)) as connection:
        connection.execute(_ADD_VERSIONS.format(last=EVENTS - 1), (_METADATA,))
        add = _ADD_EVENTS.format(last=EVENTS - 1, collection=collection)
        connection.execute(add, (event, moment))


def _measure(path: Path, name: str, filter_: Mapping[str, object]) -> list[Row]:
    with closing(data.raw(path)) as connection:
        begun = time.perf_counter()
        query = "SELECT count(alias) FROM events WHERE type = ? AND collection_id = 1000"
        counted = connection.execute(query, (EventType.ADD_ARTIFACT_ALIAS.value,)).fetchone()[0]
        reference = time.perf_counter() - begun
    assert counted >= EVENTS / REGISTRIES
    definition = Definition(
        name="backtest",
        scope=ContainerScope(container=ContainerReference.registry("reg-0")),
        event_type=EventType.ADD_ARTIFACT_ALIAS,
        filter=Filter.of(dict(filter_)),
        action=NoAction(),
    )
    first, whole = [], []
    with firetower.connect(str(path)) as tower:
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            results: list[float] = []

            def note(_: Backtest, begun: float = begun, results: list[float] = results) -> None:
                results.append(time.perf_counter() - begun)

            found = tower.automations.backtest(
                definition, data.NOON - timedelta(days=1), progress=note
            )
            whole.append(time.perf_counter() - begun)
            first.append(results[0])
            assert found.fired > 0
    seconds, ours = min(first), min(whole)
    return [
        Row(
            f"backtest, {name}: first result",
            f"{seconds * 1e3:.0f} ms",
            "",
            0,
            f"≤ {FIRST * 1e3:g} ms",
            seconds <= FIRST,
        ),
        Row(
            f"backtest, {name}: whole",
            f"{ours:.2f} s",
            f"{reference:.2f} s",
            ours / reference,
            "",
            True,
        ),
    ]
