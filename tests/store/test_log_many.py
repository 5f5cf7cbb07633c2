"""Logging many versions, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from firetower.core.errors import InvalidInput, StoreError
from firetower.core.events import EventType
from firetower.store.store import Store
from firetower.tower import Tower

BULK = "acme/vision/bulk"
BATCH = 20


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firetower.store.log_many.BATCH", BATCH)


@pytest.fixture
def tower(store: Store) -> Tower:
    return Tower(store)


def many(count: int, prefix: str = "s3://b", **more: object) -> Iterator[dict[str, object]]:
    for number in range(count):
        yield {"collection": BULK, "type": "model", "references": [f"{prefix}/{number}"], **more}


def indexes(tower: Tower) -> list[int]:
    """Return the indexes of what was logged, by the events that tell of it."""
    events = tower.events.newest(10_000)
    versions = [event.version for event in events if event.type is EventType.CREATE_ARTIFACT]
    return [version.index for version in versions if version is not None]


def test_each_batch_is_told_of_and_all_is_in_order(tower: Tower) -> None:
    told: list[int] = []
    assert tower.log_many(many(2 * BATCH + 10), committed=told.append) == 2 * BATCH + 10
    assert told == [BATCH, BATCH, 10]
    assert indexes(tower) == list(range(2 * BATCH + 10))
    newest = tower.version(f"{BULK}:latest").version
    assert newest.index == 2 * BATCH + 9


def test_what_equals_the_one_before_it_is_no_new_version(tower: Tower) -> None:
    same = [one for one in many(3) for _ in range(2)]
    assert tower.log_many(same) == 3
    assert tower.log_many(same[-1:]) == 0
    assert indexes(tower) == [0, 1, 2]


def test_none_are_logged_from_nothing(tower: Tower) -> None:
    told: list[int] = []
    assert tower.log_many([], committed=told.append) == 0
    assert told == []


@pytest.mark.parametrize(
    ("bad", "committed"),
    [(1, 0), (BATCH, 0), (BATCH + 1, BATCH), (BATCH + 7, BATCH)],
)
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"type": "dataset"}, id="refused by the database"),
        pytest.param({"references": ["no-uri"]}, id="refused before it"),
    ],
)
def test_a_refused_one_leaves_the_batches_before_it(
    tower: Tower, bad: int, committed: int, wrong: dict[str, object]
) -> None:
    tower.log(BULK, type="model", empty=True)
    before = tower.events.newest(1)[0].id
    items = list(many(BATCH + 10))
    items[bad - 1] |= wrong
    with pytest.raises(InvalidInput, match=f"^item {bad}: ") as refused:
        tower.log_many(items)
    kept = f"the {committed} before item {committed + 1} are" if committed else "none is"
    assert refused.value.hint.endswith(f"Of all, {kept} committed.")
    assert indexes(tower) == list(range(committed + 1))
    if not committed:
        assert tower.events.newest(1)[0].id == before


def test_a_database_that_fails_midway_is_said_with_what_is_committed(store: Store) -> None:
    def fail(_: int) -> None:
        store.database.read_only = True

    with pytest.raises(StoreError, match="read-only") as failed:
        Tower(store).log_many(many(2 * BATCH), committed=fail, unit="line")
    assert failed.value.hint.endswith(f"the {BATCH} before line {BATCH + 1} are committed.")


def test_two_that_log_at_once_into_one_collection_lose_nothing(database_url: str) -> None:
    def log(prefix: str) -> int:
        store = Store.open(database_url)
        try:
            return Tower(store).log_many(many(BATCH + 10, prefix))
        finally:
            store.close()

    with ThreadPoolExecutor() as threads:
        assert list(threads.map(log, ["s3://a", "s3://b"])) == [BATCH + 10, BATCH + 10]
    store = Store.open(database_url)
    assert sorted(indexes(Tower(store))) == list(range(2 * (BATCH + 10)))
    store.close()
