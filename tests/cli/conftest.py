"""One prepared database for the tests of the command line, and a copy of it for each."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cli.shell import Shell, automation


@pytest.fixture(scope="session")
def receiver() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, receiver: str) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("prepared"))
    (shell.folder / "model.pt").write_text("weights")
    (shell.folder / "payload.json").write_text('{"alias": "${alias}"}')
    shell.ok("registry", "create", "models", "--description", "For production")
    shell.ok("project", "create", "acme/vision")
    logged = shell.ok(
        *("log", "acme/vision/resnet", "model.pt", "--type", "model", "--alias", "candidate"),
        *("--tag", "eu", "--metadata", "accuracy=0.9", "--metadata", '{"by": "alice"}'),
    )
    assert logged == "acme/vision/resnet:v0\n"
    linked = shell.ok("link", "acme/vision/resnet:v0", "models/resnet", "--alias", "staging")
    assert linked == "models/resnet:v0\n"
    shell.ok("secret", "set", "CI_TOKEN", stdin="s3cret-value\n")
    shell.ok("secret", "set", "SLACK_URL", stdin=receiver + "\n")
    shell.ok("webhook", "create", "ci", receiver, "--access-token", "CI_TOKEN")
    shell.ok("slack", "create", "team", "--url-secret", "SLACK_URL")
    payload = ("--alias-regex", "^prod", "--webhook", "ci", "--payload", "@payload.json")
    shell.ok(*automation(*payload, name="deploy"))
    return shell


@pytest.fixture
def shell(prepared: Shell, tmp_path: Path) -> Shell:
    shutil.copytree(prepared.folder, tmp_path, dirs_exist_ok=True)
    return Shell(tmp_path)
