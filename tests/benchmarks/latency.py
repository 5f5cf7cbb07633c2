"""Latency: from the call that adds an alias to the arrival of the request."""

import asyncio
import sqlite3
import time
from pathlib import Path

import httpx
from httpx_aiohttp import AiohttpTransport

import firetower
from benchmarks import data
from benchmarks.delivery import prepare
from benchmarks.endpoint import Endpoint, endpoint, worker
from benchmarks.table import Row, quantile

CALLS, PAUSE = 200, 0.015
"""A call, and a bare commit and request, in turn, so that calls are 30 ms apart."""


def measure(folder: Path) -> list[Row]:
    path = folder / "tower.db"
    with endpoint() as receiver:
        prepare(path, receiver.hook)
        with worker(str(path), once=False), firetower.connect(str(path)) as tower:
            time.sleep(1)  # its watching thread begins
            begun, bare = asyncio.run(_call(tower, receiver, folder / "raw.db"))
            time.sleep(1)
            arrivals = receiver.take()["arrivals"]
    assert len(arrivals) == CALLS
    ours = [(there - here) / 1e6 for here, there in zip(begun, arrivals, strict=True)]
    return [
        _row("latency, median", quantile(ours, 0.5), quantile(bare, 0.5), 2),
        _row("latency, 95th percentile", quantile(ours, 0.95), quantile(bare, 0.95), None),
    ]


async def _call(
    tower: firetower.Tower, receiver: Endpoint, raw: Path
) -> tuple[list[int], list[float]]:
    begun, bare = [], []
    other_database = sqlite3.connect(raw, isolation_level=None)
    for command in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE t (a)"):
        other_database.execute(command)
    other = receiver.hook.replace("/hook", "/other")
    async with httpx.AsyncClient(transport=AiohttpTransport(), trust_env=False) as client:
        await client.post(other, json=data.METADATA)
        for i in range(CALLS):
            begun.append(time.monotonic_ns())
            tower.add_alias("reg-0/col-0:v0", f"prod-{i}")
            await asyncio.sleep(PAUSE)
            before = time.monotonic_ns()
            other_database.execute("INSERT INTO t VALUES (1)")
            await client.post(other, json=data.METADATA)
            bare.append((time.monotonic_ns() - before) / 1e6)
            await asyncio.sleep(PAUSE)
    other_database.close()
    return begun, bare


def _row(name: str, ours: float, reference: float, most: float | None) -> Row:
    return Row(
        name,
        f"{ours:.2f} ms",
        f"{reference:.2f} ms commit and round trip",
        ours / reference,
        "" if most is None else f"ratio ≤ {most}",
        most is None or ours / reference <= most,
    )
