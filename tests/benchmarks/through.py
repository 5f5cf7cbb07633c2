"""The way through the house: changes made, evaluated, delivered and recorded at the same time."""

import time
from pathlib import Path

import firetower
from benchmarks.delivery import per_second, prepare
from benchmarks.endpoint import endpoint, worker
from benchmarks.table import Row, rate
from firetower.store.store import Store

EVENTS, ROUNDS = 2_000, 3
PATIENCE = 60.0
_VERSION = "reg-0/col-0:v0"
_WAITING = """
SELECT (SELECT count(*) FROM events WHERE NOT evaluated)
  + (SELECT count(*) FROM executions WHERE status IN ('pending', 'running'))
"""


def measure(folder: Path) -> list[Row]:
    """Each stage alone, then all at once: script, worker and endpoint share two cores."""
    path, changed, sent, through = folder / "tower.db", [], [], []
    with endpoint() as receiver:
        prepare(path, receiver.hook)
        for turn in range(ROUNDS):
            changed.append(EVENTS / _change(path, f"alone-{turn}"))
            with worker(str(path), once=True):
                pass
            sent.append(per_second(receiver.take(), EVENTS))
            with worker(str(path), once=False):
                begun = time.monotonic()
                _change(path, f"all-{turn}")
                _wait(path, begun + PATIENCE)
                through.append(EVENTS / (time.monotonic() - begun))
            assert len(receiver.take()["arrivals"]) == EVENTS
    slowest = min(max(changed), max(sent))
    return [rate("change to recorded : slowest stage", "events", max(through), slowest, 0.4)]


def _change(path: Path, name: str) -> float:
    """Add aliases; return the seconds it took."""
    with firetower.connect(str(path)) as tower:
        begun = time.monotonic()
        for number in range(EVENTS):
            tower.add_alias(_VERSION, f"{name}-{number}")
        return time.monotonic() - begun


def _wait(path: Path, deadline: float) -> None:
    """Wait until everything is evaluated, delivered and recorded."""
    store = Store.open(str(path))
    try:
        while time.monotonic() < deadline:
            with store.reading() as reader:
                if reader.connection.exec_driver_sql(_WAITING).scalar_one() == 0:
                    return
            time.sleep(0.01)
    finally:
        store.close()
    raise TimeoutError
