"""Changes of the catalog a second, against SQLite's own single-row commits."""

import time
from pathlib import Path

import firetower
from benchmarks import data
from benchmarks.table import Row, rate

CHANGES, ROUNDS = 100, 5


def measure(folder: Path) -> list[Row]:
    path = folder / "tower.db"
    data.make_catalog(path, 1, 1)
    connection = data.raw(folder / "raw.db")
    connection.execute("CREATE TABLE one (id INTEGER PRIMARY KEY, alias TEXT)")
    ours, reference = [], []
    with firetower.connect(str(path)) as tower:
        tower.add_alias("reg-0/col-0:v0", "first")
        for turn in range(ROUNDS):
            begun = time.perf_counter()
            for i in range(CHANGES):
                tower.add_alias("reg-0/col-0:v0", f"prod-{turn}-{i}")
            ours.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            for i in range(CHANGES):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO one (alias) VALUES (?)", (f"prod-{turn}-{i}",))
                connection.execute("COMMIT")
            reference.append(time.perf_counter() - begun)
    connection.close()
    return [rate("add_alias", "changes", CHANGES / min(ours), CHANGES / min(reference), 0.6)]


def measure_many(folder: Path) -> list[Row]:
    """Measure `log_many` against as many single calls of `log`."""
    many, single = [], []
    with firetower.connect(str(folder / "tower.db")) as tower:
        for turn in range(ROUNDS):
            uris = [f"s3://bucket/{turn}/{i}" for i in range(CHANGES)]
            begun = time.perf_counter()
            tower.log_many(
                {"collection": "acme/bench/many", "type": "model", "references": [uri]}
                for uri in uris
            )
            many.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            for uri in uris:
                tower.log("acme/bench/single", type="model", references=[uri])
            single.append(time.perf_counter() - begun)
    return [rate("log_many : log", "versions", CHANGES / min(many), CHANGES / min(single), 1.5)]
