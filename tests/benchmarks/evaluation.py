"""Evaluation: events a second, and what an event costs when there are many automations."""

import itertools
import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.table import Row, rate
from firetower.core.actions import NoAction
from firetower.core.automations import Definition, Mode, Revision
from firetower.core.events import Event, EventType, EventVersion
from firetower.core.filters import Filter
from firetower.core.json import dump
from firetower.core.matching import AutomationIndex, match
from firetower.core.references import CollectionReference
from firetower.core.scopes import CollectionScope
from firetower.store.events import newest_events
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.evaluate import evaluate
from firetower.store.store import Store

REGISTRIES, COLLECTIONS, PER_COLLECTION = 10, 1_000, 10
EVENTS, BATCH, ROUNDS = 5_000, 500, 5
_SELECT = """
SELECT e.id, e.type, e.recorded_at, e.author, e.collection_id, e.version_index, e.alias, e.tag,
  e.previous_index, v.artifact_id, v.metadata_json, v.home_collection_id, v.home_index
FROM events e LEFT OUTER JOIN versions v ON e.version_id = v.id
WHERE e.evaluated = 0 ORDER BY e.id LIMIT ?
"""


def _definition(name: str, collection: str, regex: str) -> Definition:
    return Definition(
        name=name,
        scope=CollectionScope(collection=CollectionReference.parse(collection)),
        event_type=EventType.ADD_ARTIFACT_ALIAS,
        filter=Filter.of({"alias": {"$regex": regex}}),
        action=NoAction(),
    )


def measure_batches(folder: Path) -> list[Row]:
    """10,000 automations, 10 on each collection, one of which each event fires.

    RE2 searches for all ten at once; those of the second row ignore the case.
    """
    return [
        _measure(folder, "evaluation", "^prod", "^stage-{}", 0.4),
        _measure(folder, "evaluation, ignoring the case", "(?i)^prod", "(?i)^stage-{}", None),
    ]


def _measure(folder: Path, name: str, fires: str, other: str, at_least: float | None) -> Row:
    source, copy = folder / f"{name}.db", folder / "copy.db"
    names = data.make_catalog(source, REGISTRIES, COLLECTIONS)
    definitions = [
        (place, _definition(f"a-{place}-{i}", collection, other.format(i) if i else fires))
        for place, collection in enumerate(names)
        for i in range(PER_COLLECTION)
    ]
    data.add_automations(source, definitions)
    data.add_events(source, EVENTS, COLLECTIONS)
    ours, reference = [], []
    for _ in range(ROUNDS):
        _fresh(source, copy)
        ours.append(_ours(copy))
        with_rows = data.raw(copy)
        cursor = with_rows.execute("SELECT * FROM executions ORDER BY id")
        columns = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
        with_rows.close()
        assert len(rows) == EVENTS
        _fresh(source, copy)
        reference.append(_reference(copy, columns, rows))
    return rate(name, "events", EVENTS / min(ours), EVENTS / min(reference), at_least)


def _fresh(source: Path, copy: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        copy.with_name(copy.name + ending).unlink(missing_ok=True)
    shutil.copy(source, copy)


def _ours(path: Path) -> float:
    store, cache = Store.open(str(path)), AutomationCache()
    with store.reading() as reader:
        cache.refresh(reader)  # a worker reads the automations once, when it starts
        match(newest_events(reader, COLLECTIONS), cache.index)  # and compiles their patterns once
    begun = time.perf_counter()
    for _ in range(EVENTS // BATCH):
        with store.changing() as change:
            evaluate(change, cache, BATCH)
    spent = time.perf_counter() - begun
    store.close()
    return spent


def _reference(path: Path, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> float:
    marks = ", ".join("?" * len(columns))
    insert = f"INSERT INTO executions ({', '.join(columns)}) VALUES ({marks})"
    connection = data.raw(path)
    begun = time.perf_counter()
    for start in range(0, EVENTS, BATCH):
        connection.execute("BEGIN IMMEDIATE")
        ids = [row[0] for row in connection.execute(_SELECT, (BATCH,)).fetchall()]
        connection.executemany(insert, rows[start : start + BATCH])
        places = ", ".join("?" * len(ids))
        connection.execute(f"UPDATE events SET evaluated = 1 WHERE id IN ({places})", ids)
        connection.execute("COMMIT")
    spent = time.perf_counter() - begun
    connection.close()
    return spent


def measure_elsewhere(folder: Path) -> list[Row]:
    """What an event costs with 100,000 automations in other registries, against 100."""
    few, many = _index(100), _index(100_000)
    events = [_event(i) for i in range(1, 20_001)]
    spent: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(7):
        for which, index in enumerate((few, many)):
            begun = time.perf_counter()
            matches = match(events, index)
            spent[which].append(time.perf_counter() - begun)
            assert len(matches) == len(events)
    cost = {which: min(times) / len(events) * 1e6 for which, times in spent.items()}
    ratio = cost[1] / cost[0]
    ours, reference = (f"{cost[which]:.2f} µs/event" for which in (1, 0))
    return [Row("100,000 elsewhere : 100", ours, reference, ratio, "ratio ≤ 1.3", ratio <= 1.3)]


def _index(elsewhere: int) -> AutomationIndex:
    ids = itertools.count(1)
    index = AutomationIndex()
    for place in range(10):
        for i in range(10):
            regex = f"^stage-{i}" if i else "^prod"
            index.add(_revision(next(ids), _definition("a", f"models/m-{place}", regex)))
    shared = [_definition("a", f"other-{i}/m", "^prod") for i in range(min(elsewhere, 1_000))]
    for i in range(elsewhere):
        index.add(_revision(next(ids), shared[i % len(shared)]))
    return index


def _revision(number: int, definition: Definition) -> Revision:
    return Revision(
        id=number,
        automation_id=number,
        number=1,
        written=definition,
        mode=Mode.ENABLED,
        saved_at=data.NOON,
        author="ada",
        after_event_id=0,
    )


_COLLECTIONS = [CollectionReference.parse(f"models/m-{i}") for i in range(10)]


def _event(number: int) -> Event:
    return Event(
        id=number,
        type=EventType.ADD_ARTIFACT_ALIAS,
        recorded_at=datetime.now(UTC),
        author="ada",
        container=_COLLECTIONS[number % 10].container,
        collection=_COLLECTIONS[number % 10],
        artifact_type="model",
        version=EventVersion(
            artifact_id="a", index=1, source=None, metadata_json=dump(data.METADATA)
        ),
        alias=f"prod-{number}",
    )
