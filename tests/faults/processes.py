"""Programs that are killed: workers, and a script that logs changes one after the other."""

import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Self

from firetower.store.store import Store
from firetower.store.workers import list_workers
from towers import COMMAND, environment
from waiting import wait_until

SCRIPT = """
import itertools, sys, time
import firetower
from firetower.core.errors import Conflict, StoreError
start, version, pause = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
tower = None
for number in itertools.count(start):
    alias = f"alias-{number}"
    while True:
        try:
            tower = tower or firetower.connect()
            tower.add_alias(version, alias)
        except StoreError:
            print("refused", flush=True)
            time.sleep(0.05)
            continue
        break
    print(alias, flush=True)
    time.sleep(pause)
"""
"""Prints each alias when its change has returned, and tries one that was refused again."""


@dataclass
class Program:
    """A process, ended by `kill -9` at the latest when the block ends."""

    process: subprocess.Popen[str]
    talk: IO[str] | None = None
    """Where its standard error goes."""

    @property
    def said(self) -> str:
        """What it has told people so far."""
        assert self.talk is not None
        self.talk.seek(0)
        return self.talk.read()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        if self.lives:
            self.kill()
        if self.talk is not None:
            self.talk.close()

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()


def start_worker(database: str, command: Sequence[str] = (COMMAND, "worker")) -> Program:
    talk = tempfile.TemporaryFile("a+")  # noqa: SIM115 - appended to, wherever it is read
    process = subprocess.Popen(
        command,
        env=environment(database),
        stdout=subprocess.DEVNULL,
        stderr=talk,
        text=True,
    )
    return Program(process, talk)


@dataclass
class Logger(Program):
    """The script, and what it was told is done."""

    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0
    _reader: threading.Thread | None = None

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.endswith("\n"):
                return  # half a line: it was killed while it spoke
            word = line.strip()
            if word == "refused":
                self.refused += 1
            else:
                self.acknowledged.append(word)

    def kill(self) -> None:
        super().kill()
        assert self._reader is not None
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def start_logger(database: str, version: str, start: int, pause: float = 0.002) -> Logger:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(start), version, str(pause)],
        env=environment(database),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    logger = Logger(process)
    logger._reader = threading.Thread(target=logger.read)
    logger._reader.start()
    return logger


def wait_for_workers(database: str, number: int) -> None:
    """Wait until so many workers have signed on: a database that fails before ends a worker."""
    store = Store.open(database)

    def signed_on() -> bool:
        with store.reading() as reader:
            return len(list_workers(reader)) == number

    try:
        wait_until(signed_on, "the workers to sign on")
    finally:
        store.close()


def wait_for_peace(database: str) -> None:
    """Wait until every event is evaluated and every execution has ended."""
    store = Store.open(database)
    try:
        wait_until(lambda: _at_peace(store), "the workers to be done")
    finally:
        store.close()


def _at_peace(store: Store) -> bool:
    with store.reading() as reader:
        waiting = reader.connection.exec_driver_sql(
            "SELECT (SELECT count(*) FROM events WHERE NOT evaluated)"
            " + (SELECT count(*) FROM executions WHERE status IN ('pending', 'running'))"
            " + (SELECT count(*) FROM run_metrics WHERE pending)"
        ).scalar_one()
    return bool(waiting == 0)
