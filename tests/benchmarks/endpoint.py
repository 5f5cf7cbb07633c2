"""An endpoint in a process of its own, which notes when each request arrives."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

WORKER = """
import sys
from firetower.delivery import client
from firetower.worker.run import run_worker
if port := int(sys.argv[3]):
    client._LOOKUP |= {"nameservers": ["127.0.0.1"], "udp_port": port}
run_worker(sys.argv[1], once=sys.argv[2] == "once", emit=lambda _: None,
    report=lambda line: print(line, flush=True))
"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    port: int

    @property
    def hook(self) -> str:
        """Where requests are noted."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def hanging(self) -> str:
        """Where no request is answered."""
        return f"http://127.0.0.1:{self.port}/hang"

    def take(self, *, bodies: bool = False) -> dict[str, Any]:
        """Return the arrivals since the last time, and the last request; each body if asked."""
        asked = "?bodies" if bodies else ""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/take{asked}") as answer:
            taken: dict[str, Any] = json.load(answer)
        return taken


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Run an endpoint in a process."""
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Endpoint(int(process.stdout.readline()))
        finally:
            process.terminate()


@contextmanager
def worker(database: str, *, once: bool, name_server: int = 0) -> Iterator["subprocess.Popen[str]"]:
    """Run a worker in a process; it has started when this is entered.

    It asks the machine's name servers, or one at a port of this machine.
    """
    mode = "once" if once else "on"
    arguments = [sys.executable, "-c", WORKER, database, mode, str(name_server)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        if not once:
            process.terminate()
        process.communicate()


def _serve() -> None:
    noted: list[int] = []
    bodies: list[bytes] = []
    last: dict[str, Any] = {}

    async def hook(request: web.Request) -> web.Response:
        body = await request.read()
        if request.path == "/hook":
            noted.append(time.monotonic_ns())
            bodies.append(body)
            last.update(headers=request.headers, body=body)
        return web.Response(text="ok")

    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(3_600)
        return web.Response(text="late")

    async def take(request: web.Request) -> web.Response:
        answer = {
            "arrivals": list(noted),
            "bodies": [body.decode() for body in bodies] if "bodies" in request.query else [],
            "headers": dict(last.get("headers", {})),
            "body": last.get("body", b"").decode(),
        }
        noted.clear()
        bodies.clear()
        return web.json_response(answer)

    async def announce(application: web.Application) -> None:
        print(port, flush=True)

    import resource
    import socket

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    port = listener.getsockname()[1]
    application = web.Application()
    application.add_routes(
        [
            web.post("/hook", hook),
            web.post("/other", hook),
            web.post("/hang", hang),
            web.get("/take", take),
        ]
    )
    application.on_startup.append(announce)
    web.run_app(application, sock=listener, access_log=None, print=None)


if __name__ == "__main__":
    _serve()
