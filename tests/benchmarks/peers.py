"""Firetower beside MLflow's webhooks, in one run on one machine: peers.py MLFLOW [NAME ...]."""

import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.endpoint import Endpoint, endpoint
from benchmarks.peer_systems import Firetower, MLflow, System
from benchmarks.table import lay_out, quantile
from firetower._version import __version__
from receiver import Received, serve

CALLS, PAUSE = 40, 0.05
BURST = 100
CHANGES = 10
PATIENCE = 20.0
"""Seconds in which what is not lost is to arrive."""
DOWN = 14.0
"""Seconds an endpoint is down: MLflow's four tries take 7 to 10."""
SLOW = 3.0

Measure = Callable[[System], list[str]]


@dataclass
class Taken:
    """What an endpoint took with 200, by the alias it is about."""

    up: bool = True
    aliases: set[str] = field(default_factory=set)

    def answer(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        if not self.up:
            return 503, {}, b""
        self.aliases.add(_alias(request.body))
        return 200, {}, b"ok"

    def wait_for(self, number: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while len(self.aliases) < number and time.monotonic() < deadline:
            time.sleep(0.05)


def _alias(body: bytes | str) -> str:
    alias: str = json.loads(body)["data"]["alias"]
    return alias


def _arrived(receiver: Endpoint, number: int) -> dict[str, int]:
    """Return when each alias arrived first, told by its body: senders may change the order."""
    seen: dict[str, int] = {}
    deadline = time.monotonic() + PATIENCE
    while len(seen) < number and time.monotonic() < deadline:
        time.sleep(0.1)
        taken = receiver.take(bodies=True)
        for body, moment in zip(taken["bodies"], taken["arrivals"], strict=True):
            seen.setdefault(_alias(body), moment)
    return seen


def speed(system: System) -> list[str]:
    """Return the latency's median and 95th percentile, and webhooks a second in a burst."""
    with endpoint() as receiver:
        system.prepare([receiver.hook])
        system.start()
        for number in range(20):  # every process of a server warms up
            system.change(f"warm-{number}")
        time.sleep(2)
        receiver.take()
        begun = dict[str, int]()
        for number in range(CALLS):
            begun[f"call-{number}"] = time.monotonic_ns()
            system.change(f"call-{number}")
            time.sleep(PAUSE)
        seen = _arrived(receiver, CALLS)
        spent = [(seen[alias] - begun[alias]) / 1e6 for alias in begun if alias in seen]
        start = time.monotonic_ns()
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(system.change, [f"burst-{number}" for number in range(BURST)]))
        seen = _arrived(receiver, BURST)
    rate = len(seen) / ((max(seen.values()) - start) / 1e9)
    return [
        f"{quantile(spent, 0.5):.1f} ms",
        f"{quantile(spent, 0.95):.1f} ms",
        f"{rate:,.0f}/s",
    ]


def killed(system: System) -> list[str]:
    """Kill the sender while it is to try again, and start it anew."""
    taken = Taken(up=False)
    with serve() as receiver:
        receiver.answer = taken.answer
        system.prepare([receiver.url()])
        system.start()
        for number in range(CHANGES):
            system.change(f"alias-{number}")
        receiver.wait_for(CHANGES)
        system.kill()
        taken.up = True
        system.start()
        taken.wait_for(CHANGES)
    return [f"{len(taken.aliases)} of {CHANGES} delivered"]


def down(system: System) -> list[str]:
    """Bring the endpoint back only when the peer's retries are over."""
    taken = Taken(up=False)
    with serve() as receiver:
        receiver.answer = taken.answer
        system.prepare([receiver.url()])
        system.start()
        for number in range(CHANGES):
            system.change(f"alias-{number}")
        time.sleep(DOWN)
        taken.up = True
        taken.wait_for(CHANGES)
        waiting = system.waiting()
    lost = CHANGES - len(taken.aliases) - waiting
    return [f"{len(taken.aliases)} delivered, {waiting} waiting for a retry, {lost} lost"]


def neighbour(system: System) -> list[str]:
    """Return how long a healthy endpoint waits for its last webhook beside a slow one."""
    quick, released = Taken(), threading.Event()

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/slow":
            released.wait(SLOW)
            return 200, {}, b""
        return quick.answer(request)

    with serve() as receiver:
        receiver.answer = answer
        system.prepare([receiver.url("/slow"), receiver.url("/quick")])
        system.start()
        begun = time.monotonic()
        for number in range(4 * CHANGES):
            system.change(f"alias-{number}")
        quick.wait_for(4 * CHANGES)
        spent = time.monotonic() - begun
        released.set()
    return [f"{spent:.1f} s for {len(quick.aliases)} of {4 * CHANGES}"]


MEASURES: dict[str, tuple[Measure, list[str]]] = {
    "speed": (
        speed,
        ["latency of one webhook, median", "latency, 95th percentile", "webhooks in a burst"],
    ),
    "killed": (killed, ["killed with deliveries under way"]),
    "down": (down, [f"endpoint down for {DOWN:g} s, then up"]),
    "neighbour": (neighbour, [f"healthy endpoint beside one of {SLOW:g} s"]),
}


def _measured(measure: Measure, make: Callable[[Path], System]) -> list[str]:
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        system = make(Path(folder))
        try:
            return measure(system)
        finally:
            system.kill()


def _end(*_: object) -> None:
    """End by an exception, so that servers are ended too."""
    sys.exit("ended by a signal")


def main(program: Path, wanted: list[str]) -> None:
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    if not program.exists():
        print("MLflow is not installed, so there is nothing to measure beside.", file=sys.stderr)
        sys.exit("Run `make bench-peers` where pip can install it.")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    theirs = said.stdout.split()[-1]
    lines = [("", f"Firetower {__version__}", f"MLflow {theirs}")]
    for name, (measure, names) in MEASURES.items():
        if wanted and name not in wanted:
            continue
        print(f"measuring: {', '.join(names)}", file=sys.stderr)
        ours = _measured(measure, Firetower)
        peer = _measured(measure, lambda folder: MLflow(program, folder))
        rows = list(zip(names, ours, peer, strict=True))
        print("\n".join(map(" | ".join, rows)), file=sys.stderr)
        lines += rows
    lay_out(lines)
    print(
        "Both on SQLite with their defaults; a change is a new alias of a model. Firetower's is"
        "\nmade by its Python API in the caller's process; MLflow's goes through the REST API of"
        "\n`mlflow server`, which alone sends webhooks, so that its latency and its burst contain"
        "\nan HTTP request each. Calls and arrivals are matched by the alias in the body."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2:])
