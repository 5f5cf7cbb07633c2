"""The app on a real terminal, beside a bare Textual app on the same machine at the same time."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import firetower
from benchmarks import data
from benchmarks.table import Row, quantile
from benchmarks.terminal import Terminal
from firetower.core.actions import NoAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.filters.filter import regex_filter
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.evaluate import evaluate
from firetower.store.store import Store
from towers import multiply_history

AUTOMATIONS, EXECUTIONS = 10_000, 1_000_000
STARTS = 15
KEYS = 40
CHANGES = 30
RATE, SECONDS = 200, 4
IDLE = 10
SETTLED, LONG_IDLE = 10, 60
"""Seconds until nothing of the start is left to do, and seconds of which the load is measured."""
SOURCE = str(Path(firetower.__file__).parents[1])
HERE = str(Path(__file__).parent)


def measure(folder: Path) -> list[Row]:
    small, large = folder / "small.db", folder / "large.db"
    _fill(small, 20)
    _fill(large, AUTOMATIONS)
    multiply_history(
        large,
        EXECUTIONS,
        seconds_apart=2,
        automation_id=f"1 + v % {AUTOMATIONS}",
        revision_id=f"1 + v % {AUTOMATIONS}",
    )
    environment = _environment(folder)
    rows = _starts(small, large, environment)
    with _app(large, environment) as terminal:
        rows += _keys(terminal)
        rows += _memory(terminal, environment)  # with the whole list read
        rows += _everywhere(terminal)
        rows += _changes(terminal, large)
        rows += _busy(terminal, large)
        rows += _idle(terminal)
    return rows


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIRETOWER")}
    return {
        **kept,
        "PYTHONPATH": SOURCE,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "XDG_CONFIG_HOME": str(folder),
    }


def _fill(path: Path, automations: int) -> None:
    data.make_catalog(path, 1, 10)
    registry = ContainerReference.registry("reg-0")
    definitions = [
        Definition(
            name=f"auto-{number:05d}",
            scope=ContainerScope(container=registry),
            event_type=EventType.ADD_ARTIFACT_ALIAS,
            filter=regex_filter(f"^{'fire' if last else 'never'}", None, None),
            action=NoAction(),
        )
        for number in range(automations)
        for last in (number == automations - 1,)
    ]
    data.add_automations(path, [(number % 10, one) for number, one in enumerate(definitions)])
    Changes(path).fire("fire-first")


class Changes:
    """Another process's changes, evaluated as its worker does."""

    def __init__(self, path: Path) -> None:
        self._store = Store.open(str(path), author="ada")
        self._tower = firetower.Tower(self._store)
        self._cache = AutomationCache()

    def fire(self, *aliases: str) -> float:
        """Add aliases and fire what watches for them; return when that was done."""
        self._tower.add_alias("reg-0/col-0:v0", *aliases)
        with self._store.changing() as change:
            self._cache.refresh(change)
            evaluate(change, self._cache, 1_000)
        return time.monotonic()


@contextmanager
def _app(database: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    """Run the app, with its worker, until its list of automations is drawn and it rests."""
    with Terminal(
        [sys.executable, "-m", "firetower.cli", "--database", str(database)], environment
    ) as one:
        one.when(b"auto-00005")
        one.rest()
        one.send("\r")
        one.rest()
        yield one


def _starts(small: Path, large: Path, environment: dict[str, str]) -> list[Row]:
    """Start each in turn, so that what else the machine does meets all alike."""
    bare: list[float] = []
    first: list[float] = []
    usable: list[float] = []
    for _ in range(STARTS):
        with Terminal([sys.executable, f"{HERE}/bare.py"], environment) as one:
            bare.append(one.when(b"auto-00005") - one.started)
        for database, times, text in ((small, first, b"firetower"), (large, usable, b"auto-00005")):
            command = [sys.executable, "-m", "firetower.cli", "--database", str(database)]
            with Terminal(command, environment) as one:
                times.append(one.when(text) - one.started)
    reference = min(bare)
    return [
        _ratio("app, first paint", min(first), reference, 1.5),
        _ratio("app, 10,000 automations drawn", min(usable), reference, 2.5),
    ]


def _ratio(name: str, ours: float, reference: float, most: float) -> Row:
    ratio = ours / reference
    return Row(name, f"{ours:.2f} s", f"{reference:.2f} s", ratio, f"ratio ≤ {most}", ratio <= most)


def _memory(terminal: Terminal, environment: dict[str, str]) -> list[Row]:
    ours = terminal.process.memory_info().rss / 1e6
    with Terminal([sys.executable, f"{HERE}/bare.py"], environment) as one:
        one.when(b"auto-00005")
        one.rest()
        reference = one.process.memory_info().rss / 1e6
    ratio = ours / reference
    return [
        Row("app, memory", f"{ours:.0f} MB", f"{reference:.0f} MB", ratio, "ratio ≤ 4", ratio <= 4)
    ]


def _keys(terminal: Terminal) -> list[Row]:
    taken = [_key_to_paint(terminal, number) for number in range(1, KEYS)]
    for _ in range(KEYS):
        terminal.send("k")
    terminal.rest()
    return [_most("app, key to paint, p95", quantile(taken, 0.95) * 1e3, "ms", 50)]


def _key_to_paint(terminal: Terminal, number: int, key: str = "j") -> float:
    after = len(terminal.written)
    pressed = terminal.send(key)
    painted = terminal.when(f"auto-{number:05d}".encode(), after)
    time.sleep(0.05)
    return painted - pressed


def _everywhere(terminal: Terminal) -> list[Row]:
    """Go through the list of all automations: open, move, narrow to a state, sort, and back."""
    after = len(terminal.written)
    pressed = terminal.send("4")
    opened = terminal.when(b"auto-00005", after) - pressed
    terminal.rest()
    taken = [_key_to_paint(terminal, number) for number in range(1, KEYS)]
    terminal.send("g")
    narrowed = []
    for _ in range(5):
        for key, text in (("z", b"0 of 10,000 in shadow"), ("z", b"auto-00005")):
            terminal.rest(0.2)
            after = len(terminal.written)
            pressed = terminal.send(key)
            narrowed.append(terminal.when(text, after) - pressed)
    ordered = []
    for key in (">", "="):
        terminal.rest(0.2)
        after = len(terminal.written)
        pressed = terminal.send(key)
        ordered.append(terminal.when(b"", after) - pressed)
    terminal.send("1")
    terminal.rest()
    return [
        _most("app, all automations, opened", opened * 1e3, "ms", 250),
        _most("app, all automations, key to paint, p95", quantile(taken, 0.95) * 1e3, "ms", 50),
        _most("app, all automations, narrowed, p95", quantile(narrowed, 0.95) * 1e3, "ms", 100),
        _most("app, all automations, sorted", max(ordered) * 1e3, "ms", 250),
    ]


def _changes(terminal: Terminal, database: Path) -> list[Row]:
    other, taken = Changes(database), []
    for number in range(CHANGES):
        after = len(terminal.written)
        done = other.fire(f"fire-{number:03d}x")
        taken.append(terminal.when(f"fire-{number:03d}x".encode(), after) - done)
        time.sleep(0.7)
    terminal.rest()
    return [_most("app, change elsewhere to screen, p95", quantile(taken, 0.95) * 1e3, "ms", 300)]


def _busy(terminal: Terminal, database: Path) -> list[Row]:
    """Press keys while another process fires."""
    ended = threading.Event()
    firing = threading.Thread(target=_fire, args=(database, ended))
    firing.start()
    time.sleep(1)
    size, began = len(terminal.written), time.monotonic()
    time.sleep(SECONDS)
    rate = (len(terminal.written) - size) / (time.monotonic() - began) / 1e3
    taken = []
    for _ in range(3):
        taken += [_key_to_paint(terminal, number) for number in range(1, 21)]
        taken += [_key_to_paint(terminal, number, "k") for number in reversed(range(20))]
    ended.set()
    firing.join()
    terminal.rest()
    return [
        _most("app, key at 200 firings/s, p95", quantile(taken, 0.95) * 1e3, "ms", 100),
        _most("app, output at 200 firings/s", rate, "kB/s", 60),
    ]


def _fire(database: Path, ended: threading.Event) -> None:
    other, number, begin = Changes(database), 0, time.monotonic()
    while not ended.is_set():
        due = int((time.monotonic() - begin) * RATE)
        if due > number:
            other.fire(*(f"fire-b{one}" for one in range(number, due)))
            number = due
        time.sleep(0.02)


def _idle(terminal: Terminal) -> list[Row]:
    """Look on while nothing happens."""
    terminal.rest(2)
    size = len(terminal.written)
    time.sleep(IDLE)
    return [_most("app, output while idle", (len(terminal.written) - size) / IDLE, "B/s", 0)]


def measure_idle(folder: Path) -> list[Row]:
    """Measure the processor time of the app and its worker together, on SQLite."""
    database = folder / "small.db"
    _fill(database, 20)
    with _app(database, _environment(folder)) as terminal:
        time.sleep(SETTLED)
        before = _cpu(terminal)
        time.sleep(LONG_IDLE)
        used = (_cpu(terminal) - before) / LONG_IDLE * 100
    return [_most("app and worker, CPU while idle", used, "%", 0.3)]


def _cpu(terminal: Terminal) -> float:
    """Return the processor time of a program and its children, in seconds, to the nanosecond."""
    processes = (terminal.process, *terminal.process.children(recursive=True))
    threads = (
        thread for one in processes for thread in Path(f"/proc/{one.pid}/task").glob("*/schedstat")
    )
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _most(name: str, ours: float, unit: str, most: float) -> Row:
    return Row(name, f"{ours:.2f} {unit}", "", None, f"≤ {most} {unit}", ours <= most)
