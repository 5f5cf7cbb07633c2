"""A server on loopback with a database and a token, GraphQL to ask it, and W&B's SDK."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import firetower
from firetower.server.app import Server
from firetower.server.run import listening
from firetower.server.settings import ServerSettings
from firetower.store.store import Store
from firetower.tower import Tower
from waiting import TIMEOUT


@dataclass
class Running:
    """A server that answers, and the key of the user ada, whose scripts are acme's."""

    url: str
    key: str
    tower: Tower
    database: str
    folder: Path
    server: Server

    def post(
        self, path: str, body: bytes, key: str | None = None, method: str = "POST"
    ) -> tuple[int, Any]:
        """Send a request; return its status, and its answer if that is JSON."""
        said = base64.b64encode(f"api:{key or self.key}".encode()).decode()
        headers = {"Authorization": f"Basic {said}", "Content-Type": "application/json"}
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def ask(self, query: str, key: str | None = None, **variables: Any) -> tuple[int, Any]:
        """Send GraphQL; return the status and the whole answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        status, answer = self.post("/graphql", body, key)
        assert "went wrong that must not" not in str(answer)
        return status, answer

    def query(self, query: str, **variables: Any) -> Any:
        """Send GraphQL that is answered; return its data."""
        status, answer = self.ask(query, **variables)
        assert status == 200, answer
        assert "errors" not in answer, answer
        return answer["data"]

    def refused(self, query: str, **variables: Any) -> tuple[int, str]:
        """Send GraphQL that is refused; return the status and the first line of why."""
        status, answer = self.ask(query, **variables)
        assert status < 500, answer
        return status, answer["errors"][0]["message"].partition("\n")[0]

    def environment(self, key: str | None = None, **more: str) -> dict[str, str]:
        """Return the environment of a script that W&B's SDK finds this server in."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WANDB", "FIRETOWER"))
        }
        folders = {
            "HOME": str(self.folder),
            "NETRC": str(self.folder / "netrc"),
            "WANDB_DIR": str(self.folder),
            "WANDB_CACHE_DIR": str(self.folder / "cache"),
            "WANDB_DATA_DIR": str(self.folder / "data"),
            "WANDB_CONFIG_DIR": str(self.folder / "config"),
        }
        return {
            **kept,
            **folders,
            "WANDB_BASE_URL": self.url,
            "WANDB_API_KEY": key or self.key,
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_SILENT": "true",
            **more,
        }

    def sdk(self, script: str, key: str | None = None, **more: str) -> str:
        """Run a Python script with W&B's SDK to its end; return what it printed."""
        process = subprocess.run(
            [sys.executable, "-c", script],
            env=self.environment(key, **more),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout


@contextmanager
def serving(
    database: str, folder: Path, *, read_only: bool = False, **settings: Any
) -> Iterator[Running]:
    """Serve a database from a thread."""
    store = Store.open(database, author="server", read_only=read_only)
    started: threading.Event = threading.Event()
    found: dict[str, Any] = {}

    async def serve() -> None:
        server = Server(store, ServerSettings(port=0, **settings))
        async with listening(server) as port:
            found.update(port=port, server=server, loop=asyncio.get_running_loop())
            found["stopped"] = asyncio.Event()
            started.set()
            await found["stopped"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(TIMEOUT)
    with firetower.connect(database, author="ada") as tower:
        _, key = tower.tokens.create("ada", entity="acme")
        url = f"http://127.0.0.1:{found['port']}"
        try:
            yield Running(url, key, tower, database, folder, found["server"])
        finally:
            found["loop"].call_soon_threadsafe(found["stopped"].set)
            thread.join(TIMEOUT)
            store.close()
