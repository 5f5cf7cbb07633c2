"""`firetower serve` under W&B's SDK, under many runs, under large files, and under reads."""

import asyncio
import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import aiohttp
import psutil

import firetower
from benchmarks.endpoint import endpoint, worker
from benchmarks.table import Row, quantile, rate
from firetower.server.fields import make_id
from serving import Running
from towers import COMMAND, environment, linked_model, on_alias, webhook

SCRIPTS, ALIASES = 3, 30
RUNS, METRICS, SECONDS = 50, 10, 15
"""Runs at once, each with ten steps of ten metrics a second."""
FILE = 1 << 30
READS, CONNECTIONS = 2_000, 8

_TRAIN = dedent("""
    import wandb
    run = wandb.init(project="vision", dir={folder!r}, mode={mode!r})
    for step in range(20):
        run.log({{"loss": 1 / (step + 1)}})
    run.finish()
""")
_PROMOTE = dedent("""
    import time, wandb
    version = wandb.Api().artifact("wandb-registry-models/resnet:latest")
    for number in range({count}):
        begun = time.monotonic()
        version.aliases.append(f"stage-{{number}}")
        version.save()
        print(begun, time.monotonic())
""")
_PLAIN = dedent("""
    import asyncio, os, sys
    from aiohttp import web
    async def put(request):
        with open(sys.argv[1], "wb") as file:
            async for chunk in request.content.iter_any():
                file.write(chunk)
            os.fsync(file.fileno())
        return web.Response()
    app = web.Application()
    app.router.add_put("/file", put)
    async def main():
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()
    asyncio.run(main())
""")
_READ = """query { project(name: "vision", entityName: "acme") {
    artifactCollectionMembership(name: "resnet:latest") { versionIndex aliases { alias }
    artifact { id digest metadata createdAt artifactSequence { name } } } } }"""

_URL = """mutation ($files: [F!]!) { createArtifactFiles(input: {artifactFiles: $files}) {
    files { edges { node { uploadUrl } } } } }"""
_PIECE = os.urandom(1 << 20)


def measure(folder: Path) -> list[Row]:
    """Measure the server as a process of its own, each time on a new database."""
    return [
        _script(folder / "script"),
        _promotion(folder / "promotion"),
        _runs(folder / "runs"),
        _upload(folder / "upload"),
        _reads(folder / "reads"),
    ]


@contextmanager
def _serving(folder: Path, *options: str) -> Iterator[tuple[Running, psutil.Process]]:
    folder.mkdir()
    database = str(folder / "tower.db")
    with firetower.connect(database, author="ada") as tower:
        _, key = tower.tokens.create("ada", entity="acme")
        process = subprocess.Popen(
            [COMMAND, "serve", "--port", "0", "--no-worker", *options],
            env=environment(database),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        running: Any = Running(url, key, tower, database, folder, None)  # type: ignore[arg-type]
        try:
            yield running, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _script(folder: Path) -> Row:
    """A whole script, against the same one offline."""
    with _serving(folder) as (running, _):
        spent: dict[str, list[float]] = {"online": [], "offline": []}
        for _ in range(SCRIPTS):
            for mode, found in spent.items():
                begun = time.perf_counter()
                running.sdk(_TRAIN.format(folder=str(folder), mode=mode))
                found.append(time.perf_counter() - begun)
    ours, reference = min(spent["online"]), min(spent["offline"])
    more = ours - reference
    said = f"{ours:.2f} s", f"{reference:.2f} s offline"
    return Row("wandb.init to finish, 20 steps", *said, ours / reference, "≤ 1 s more", more <= 1)


def _promotion(folder: Path) -> Row:
    """From `save()` of an alias to its webhook."""
    with _serving(folder) as (running, _), endpoint() as receiver:
        linked_model(running.tower)
        webhook(running.tower, "ci", receiver.hook)
        on_alias(running.tower, "promoted", "ci")
        with worker(running.database, once=False):
            lines = running.sdk(_PROMOTE.format(count=ALIASES)).splitlines()
            time.sleep(1)
        arrivals = sorted(receiver.take()["arrivals"])
    times = [tuple(map(float, line.split())) for line in lines]
    assert len(arrivals) == len(times)
    pairs = zip(arrivals, times, strict=True)
    whole = quantile([at / 1e9 - begun for at, (begun, _) in pairs], 0.5)
    saved = quantile([ended - begun for begun, ended in times], 0.5)
    beyond = (whole - saved) * 1e3
    said = f"{whole * 1e3:.0f} ms", f"save() {saved * 1e3:.0f} ms"
    return Row("alias.save() to webhook, p50", *said, None, "≤ 30 ms more", beyond <= 30)


def _runs(folder: Path) -> Row:
    """Many runs at once that send their values every second."""
    with _serving(folder) as (running, process):
        late, errors = asyncio.run(_log_all(running))
        memory = process.memory_info().rss / (1 << 20)
        kept = sum(
            one.count
            for run in running.tower.runs.list("acme/bench")
            for one in running.tower.runs.metrics(run)
        )
    points = RUNS * METRICS * 10 * SECONDS
    held = not errors and kept == points and memory <= 200
    said = f"p99 {quantile(late, 0.99) * 1e3:.0f} ms, {memory:.0f} MiB, {errors} errors"
    aim = "all kept, ≤ 200 MiB"
    return Row(f"{RUNS} runs, {METRICS * 10} points/s each", said, "", None, aim, held)


async def _log_all(running: Running) -> tuple[list[float], int]:
    late: list[float] = []
    errors = 0
    query = "mutation ($input: U!) { upsertBucket(input: $input) { inserted } }"
    auth = aiohttp.BasicAuth("api", running.key)
    connector = aiohttp.TCPConnector(limit=RUNS)
    async with aiohttp.ClientSession(running.url, auth=auth, connector=connector) as session:

        async def post(path: str, body: object) -> None:
            nonlocal errors
            async with session.post(path, data=json.dumps(body)) as answer:
                errors += answer.status != 200 or "errors" in await answer.json()

        async def log(number: int) -> None:
            given = {"name": f"r{number}", "modelName": "bench"}
            await post("/graphql", {"query": query, "variables": {"input": given}})
            await asyncio.sleep(number / RUNS)
            for second in range(SECONDS):
                lines = [
                    json.dumps(
                        {"_step": step, "_timestamp": time.time()}
                        | {f"metric-{one}": 1 / (step + 1) for one in range(METRICS)}
                    )
                    for step in range(second * 10, second * 10 + 10)
                ]
                files = {"wandb-history.jsonl": {"offset": second * 10, "content": lines}}
                begun = time.monotonic()
                await post(f"/files/acme/bench/r{number}/file_stream", {"files": files})
                late.append(time.monotonic() - begun)
                await asyncio.sleep(max(0, begun + 1 - time.monotonic()))

        await asyncio.gather(*map(log, range(RUNS)))
    return late, errors


def _upload(folder: Path) -> Row:
    """A large file, against a handler that only writes it, to the disk too."""
    with _serving(folder, "--files", str(folder / "files")) as (running, _):
        url = running.query(_URL, files=[_begin(running)])["createArtifactFiles"]["files"]
        ours = asyncio.run(_put(url["edges"][0]["node"]["uploadUrl"]))
    command = [sys.executable, "-c", _PLAIN, str(folder / "plain")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as plain:
        assert plain.stdout is not None
        port = plain.stdout.readline().strip()
        reference = asyncio.run(_put(f"http://127.0.0.1:{port}/file"))
        plain.terminate()
    mebibytes = FILE / (1 << 20)
    name = "1 GiB uploaded, checked : plain PUT to disk"
    return rate(name, "MiB", mebibytes / ours, mebibytes / reference, 0.5)


def _begin(running: Running) -> dict[str, str]:
    digest = hashlib.md5(usedforsecurity=False)
    for _ in range(FILE >> 20):
        digest.update(_PIECE)
    md5 = base64.b64encode(digest.digest()).decode()
    return {"artifactID": make_id("Artifact", "0" * 32), "name": "x", "md5": md5}


async def _put(url: str) -> float:
    async def pieces() -> Any:
        for _ in range(FILE >> 20):
            yield _PIECE

    timeout = aiohttp.ClientTimeout(total=None)
    headers = {"Content-Length": str(FILE)}
    begun = time.monotonic()
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.put(url, data=pieces(), headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
    return time.monotonic() - begun


def _reads(folder: Path) -> Row:
    """One artifact read again and again, against `/healthz`, which only begins a transaction."""
    with _serving(folder) as (running, _):
        linked_model(running.tower)
        ours, reference = (
            READS / asyncio.run(_ask(running, method, path))
            for method, path in (("POST", "/graphql"), ("GET", "/healthz"))
        )
    return rate("GraphQL: an artifact : /healthz", "requests", ours, reference, None)


async def _ask(running: Running, method: str, path: str) -> float:
    body = json.dumps({"query": _READ}) if method == "POST" else None
    auth = aiohttp.BasicAuth("api", running.key)
    left = iter(range(READS))
    async with aiohttp.ClientSession(running.url, auth=auth) as session:

        async def ask() -> None:
            for _ in left:
                async with session.request(method, path, data=body) as answer:
                    assert answer.status == 200
                    await answer.read()

        begun = time.monotonic()
        await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
        return time.monotonic() - begun
