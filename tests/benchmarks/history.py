"""What a long past costs: an event beside a million, and a page of ten million firings."""

import shutil
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import firetower
from benchmarks import data
from benchmarks.delivery import prepare
from benchmarks.table import Row, skipped
from firetower.core.requests import RecordedRequest
from firetower.core.retry import Answer, judge
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.claim import Claim, claim_due
from firetower.store.queue.evaluate import evaluate
from firetower.store.queue.record import AttemptResult, record
from firetower.store.store import Store
from towers import multiply_history

SIZES = (10_000, 100_000, 1_000_000)
EVENTS, BATCH, ROUNDS = 300, 50, 7
MOST = 1.3
FEW, MANY, PAGE, PAGES = 10_000, 10_000_000, 100, 15
SHARE = 100
"""Automations that fire for one event."""
LONGEST = 240.0
"""Seconds in which ten million firings are to be made."""
ROOM = 6 * 1024**3
"""Bytes of disk that they may need."""


def measure(folder: Path) -> list[Row]:
    """An event changed, evaluated, claimed and recorded, beside 10⁴, 10⁵ and 10⁶ stored ones."""
    paths = {size: folder / f"{size}.db" for size in SIZES}
    for size, path in paths.items():
        prepare(path, "http://127.0.0.1:9/")
        _pass_events(path, "first", 1)
        multiply_history(path, size)
    spent: dict[int, list[float]] = {size: [] for size in SIZES}
    for turn in range(ROUNDS):
        for size, path in paths.items():
            spent[size].append(_pass_events(path, f"turn-{turn}", EVENTS))
    cost = {size: min(times) / EVENTS * 1e6 for size, times in spent.items()}
    few = SIZES[0]
    return [
        Row(
            f"an event beside {size:,} : {few:,}",
            f"{cost[size]:,.0f} µs",
            f"{cost[few]:,.0f} µs",
            cost[size] / cost[few],
            f"ratio ≤ {MOST}",
            cost[size] / cost[few] <= MOST,
        )
        for size in SIZES[1:]
    ]


def _pass_events(path: Path, name: str, count: int) -> float:
    """Take events the whole way, except over the network; return the seconds it took."""
    with firetower.connect(str(path)) as tower:
        store, cache = Store.open(str(path)), AutomationCache()
        tower.add_alias("reg-0/col-0:v0", f"{name}-warm")
        _turn(store, cache)
        begun, done = time.perf_counter(), 0
        for number in range(count):
            tower.add_alias("reg-0/col-0:v0", f"{name}-{number}")
            if number % BATCH == BATCH - 1 or number == count - 1:
                done += _turn(store, cache)
        spent = time.perf_counter() - begun
        store.close()
    assert done == count
    return spent


def _turn(store: Store, cache: AutomationCache) -> int:
    """Evaluate, claim, and record an answer for each claim; return how many there were."""
    with store.changing() as change:
        cache.refresh(change)
        evaluate(change, cache, BATCH)
        claims, _ = claim_due(change, cache, "w", dict.fromkeys(cache.endpoints, BATCH))
    with store.changing() as change:
        record(change, [_taken(claim) for claim in claims])
    return len(claims)


def _taken(claim: Claim) -> AttemptResult:
    answer, now = Answer(200), data.NOON
    verdict = judge(
        answer,
        retries_used=0,
        schedule=claim.endpoint.settings.schedule,
        now=now,
        jitter=0,
    )
    return AttemptResult(
        claim, RecordedRequest("http://x/", {}, "{}"), answer, verdict, now, timedelta(0)
    )


def measure_pages(folder: Path) -> list[Row]:
    """A page of the feed among ten million firings, the newest and from the middle."""
    name = f"a page of {MANY:,} : {FEW:,}"
    free = shutil.disk_usage(folder).free
    if free < 2 * ROOM:
        return [skipped(name, f"{free / 1024**3:.0f} GiB free")]
    few, many = folder / "few.db", folder / "many.db"
    try:
        for path, count in ((few, FEW), (many, MANY)):
            prepare(path, "http://127.0.0.1:9/")
            _pass_events(path, "first", 1)
            _fill(path, count)
    except sqlite3.OperationalError as error:
        return [skipped(name, f"not made in {LONGEST:g} s ({error})")]
    spent = {(path, place): _pages(path, place) for path in (few, many) for place in (1.0, 0.5)}
    return [
        Row(
            f"{name}, {where}",
            f"{spent[many, place]:.2f} ms",
            f"{spent[few, place]:.2f} ms",
            spent[many, place] / spent[few, place],
            "ratio ≤ 1.5",
            spent[many, place] / spent[few, place] <= 1.5,
        )
        for where, place in (("newest", 1.0), ("middle", 0.5))
    ]


def _fill(path: Path, count: int) -> None:
    """Make firings, many of each event; not durable, for speed."""
    deadline = time.monotonic() + LONGEST
    multiply_history(path, count // SHARE)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 1_000_000)
        shared = (
            f"WITH RECURSIVE a(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM a WHERE v < {SHARE})"
        )
        connection.execute("BEGIN")
        connection.execute(
            f"INSERT INTO automations (id, name, created_at) {shared} "
            "SELECT 1000 + v, 'deploy-' || v, 0 FROM a"
        )
        own = {
            "automation_id": "1000 + a.v",
            "id": "NULL",
            "webhook_id": "webhook_id || '-' || a.v",
        }
        rows = connection.execute("SELECT * FROM executions LIMIT 0")
        columns = [column[0] for column in rows.description]
        values = ", ".join(own.get(column, column) for column in columns)
        connection.execute(
            f"INSERT INTO executions ({', '.join(columns)}) {shared} "
            f"SELECT {values} FROM a CROSS JOIN (SELECT * FROM executions) AS executions"
        )
        connection.execute("COMMIT")
        connection.set_progress_handler(None, 0)
        connection.execute("PRAGMA journal_mode = WAL")


def _pages(path: Path, place: float) -> float:
    """Return the milliseconds of a page, the best of some, each from another place."""
    spent = []
    with firetower.connect(str(path)) as tower:
        newest = tower.executions.newest(1)[0].id
        for number in range(PAGES):
            before = int(newest * place) + 1 - number * PAGE
            begun = time.perf_counter()
            page = tower.executions.page(PAGE, before_id=before).entries
            spent.append((time.perf_counter() - begun) * 1e3)
            assert len(page) == PAGE
    return min(spent)
