"""The process behind a stage: it owns the folder, answers requests, and lets the team work.

It says two lines, the folder and the receiver's URL, and is told one: `play` with the database's
URL. When its stdin closes, because the stage is over or its process is gone, it deletes the folder
and ends.
"""

import argparse
import shutil
import sys
import tempfile
import threading

from firetower.demo.receiver import serve

PREFIX = "firetower-demo-"
_PATIENCE = 5.0
"""Seconds for the change that is under way when the stage ends."""


def main() -> None:
    """Play until stdin closes."""
    parser = argparse.ArgumentParser(prog="python -m firetower.demo.play")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix=PREFIX)
    tempfile.tempdir = folder  # what the team writes goes with it
    try:
        with serve() as receiver_url:
            print(folder, receiver_url, sep="\n", flush=True)
            _obey(speed=options.speed, seed=options.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _obey(*, speed: float, seed: int) -> None:
    """Do what stdin says, until it closes."""
    over = threading.Event()
    team: threading.Thread | None = None
    for line in sys.stdin:
        command, _, database_url = line.strip().partition(" ")
        if command == "play" and team is None:
            team = threading.Thread(target=_play, args=(database_url, speed, seed, over))
            team.daemon = True  # a change that never ends must not keep the process
            team.start()
    over.set()
    if team is not None:
        team.join(_PATIENCE)


def _play(database_url: str, speed: float, seed: int, over: threading.Event) -> None:
    # Importing SQL takes a while, in which the stage has a database to fill.
    from firetower.demo.simulate import simulate

    simulate(database_url, speed=speed, seed=seed, wait=over.wait)


if __name__ == "__main__":
    main()
