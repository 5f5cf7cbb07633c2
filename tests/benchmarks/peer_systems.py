"""Two systems that send webhooks, driven alike: Firetower and MLflow, each with its defaults."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Protocol

import firetower
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.executions import Status
from towers import COMMAND, environment, linked_model, on_alias

_STARTS = 120.0
"""Seconds that a server may take to start."""


class System(Protocol):
    """What both can do."""

    def prepare(self, urls: list[str]) -> None:
        """Make a model, and send each of its new aliases to each of these URLs."""

    def start(self) -> None:
        """Start what sends."""

    def change(self, alias: str) -> None:
        """Add an alias to the model."""

    def kill(self) -> None:
        """End what sends by `kill -9`."""

    def waiting(self) -> int:
        """Return how many deliveries it still means to try."""


class Firetower:
    """An SQLite file, a worker on it, and the Python API."""

    def __init__(self, folder: Path) -> None:
        self._database = str(folder / "tower.db")
        self._tower = firetower.connect(self._database)
        self._version = linked_model(self._tower)
        self._process: subprocess.Popen[str] | None = None

    def prepare(self, urls: list[str]) -> None:
        for number, url in enumerate(urls):
            settings = EndpointSettings(name=f"hook-{number}", kind=EndpointKind.WEBHOOK, url=url)
            self._tower.endpoints.create(settings)
            on_alias(self._tower, f"to-{number}", f"hook-{number}")

    def start(self) -> None:
        self._process = subprocess.Popen(
            [COMMAND, "worker"],
            env=environment(self._database),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self._process.stderr.readline()
        time.sleep(1)  # its watching thread begins

    def change(self, alias: str) -> None:
        self._tower.add_alias(self._version, alias)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def waiting(self) -> int:
        executions = self._tower.executions.newest(10_000)
        return sum(execution.status is Status.PENDING for execution in executions)


class MLflow:
    """`mlflow server` on an SQLite file, and its REST API."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self._made = False
        self._urls: list[str] = []

    def prepare(self, urls: list[str]) -> None:
        self._urls = urls

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(self._program, "server", "--host", "127.0.0.1", "--port", str(self._port)),
                *("--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db"),
                *("--default-artifact-root", str(self._folder)),
            ],
            # Not its defaults, without which it sends nothing to loopback.
            env={
                **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
                "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http",
                "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "mlflow.log").open("ab"),
            start_new_session=True,
        )
        self._wait()
        if not self._made:
            self._make()
            self._made = True

    def _wait(self) -> None:
        deadline = time.monotonic() + _STARTS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health", timeout=5).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def _make(self) -> None:
        self._post("registered-models/create", name="resnet")
        self._post("model-versions/create", name="resnet", source="s3://bucket/model")
        for number, url in enumerate(self._urls):
            event = {"entity": "MODEL_VERSION_ALIAS", "action": "CREATED"}
            self._post("webhooks", name=f"hook-{number}", url=url, events=[event])

    def change(self, alias: str) -> None:
        self._post("registered-models/alias", name="resnet", alias=alias, version="1")

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # its workers, too
            self._process.wait()

    def waiting(self) -> int:
        return 0  # it keeps no record of them

    def _post(self, path: str, **body: Any) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/api/2.0/mlflow/{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        try:
            urllib.request.urlopen(request, timeout=60).close()
        except urllib.error.HTTPError as error:
            sys.exit(f"MLflow refused {path}: {error.read().decode()}")
