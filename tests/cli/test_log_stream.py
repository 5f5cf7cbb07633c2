"""Logs that nobody reads: no line is waited for."""

import fcntl
import io
import json
import os
import pty
import re
import socket
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import pytest

import firetower
from firetower.cli.log_stream import _replace, as_text
from firetower.core.executions import Status
from receiver import serve
from towers import COMMAND, environment, every_execution, linked_model, on_alias, webhook
from waiting import TIMEOUT, wait_until

LINES = 20_000


def open_ends(kind: str) -> tuple[int, int]:
    if kind == "pipe":
        return os.pipe()
    if kind == "terminal":
        return pty.openpty()
    reader, writer = socket.socketpair()
    return reader.detach(), writer.detach()


def read_all(number: int) -> str:
    """Return what can be read without waiting."""
    os.set_blocking(number, False)
    read = bytearray()
    with suppress(OSError):
        while piece := os.read(number, 65_536):
            read += piece
    return read.decode().replace("\r", "")


@pytest.mark.parametrize("kind", ["pipe", "terminal", "socket"])
def test_log_that_is_not_read_drops_and_counts_lines(kind: str) -> None:
    reading, writing = open_ends(kind)
    with closing(io.TextIOWrapper(io.FileIO(writing, "w"))) as stream:
        log = _replace(stream, as_text)
        for number in range(LINES):
            print(f"line {number}", file=log)
        shown = read_all(reading)
        print("the last line", file=log)
        shown += read_all(reading)
        assert os.get_blocking(writing)
        os.close(reading)
        log.close()
    lines = shown.splitlines()
    # More than once: a terminal makes room when the system gets to it.
    told = [place for place, line in enumerate(lines) if "lines of this log" in line]
    assert told
    dropped = sum(int(re.findall(r"[\d,]+", lines[place])[0].replace(",", "")) for place in told)
    # The line before may have been cut, which counts as dropped.
    cut = len(lines) - 1 - len(told) + dropped - LINES
    assert 0 <= cut <= len(told)
    before = {place - 1 for place in told}
    whole = [
        int(line[5:]) for place, line in enumerate(lines[:-1]) if place not in {*told, *before}
    ]
    assert whole == sorted(set(whole)) == [one for one in whole if one < LINES]
    assert lines[-1] == "the last line"


def test_worker_whose_log_is_not_read_works_and_ends(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with serve() as receiver, firetower.connect(database) as tower:
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, *(f"alias-{number}" for number in range(100)))
        command = [COMMAND, "worker", "--log-format", "json"]
        given = environment(database)
        worker = subprocess.Popen(command, env=given, stdout=writing, stderr=writing)
        os.close(writing)
        try:
            receiver.wait_for(100)
            wait_until(
                lambda: all(one.status is Status.FINISHED for one in every_execution(tower)),
                "all answers to be recorded",
            )
            shown = read_all(reading)
            tower.add_alias(version, "last")
            receiver.wait_for(101)
        finally:
            worker.terminate()
            assert worker.wait(TIMEOUT) == 0
    lines = [json.loads(line) for line in (shown + read_all(reading)).splitlines()]
    os.close(reading)
    assert any("of this log could not be written" in line.get("message", "") for line in lines)
