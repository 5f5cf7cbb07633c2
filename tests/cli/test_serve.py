"""`firetower serve` and `firetower token`."""

import json
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from cli.shell import SCRIPT, Shell
from waiting import TIMEOUT


def test_token_is_made_listed_and_deleted(shell: Shell) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}\n", key := shell.ok("token", "create", "ada"))
    [made] = shell.objects("token", "create", "eve", "--entity", "acme", "--access", "read")
    assert (made["user"], made["entity"], made["read_only"]) == ("eve", "acme", True)
    listed = shell.run("token", "list")
    assert [line.split()[:4] for line in listed.stdout.splitlines()[1:]] == [
        ["1", "ada", "ada", "write"],
        ["2", "eve", "acme", "read"],
    ]
    assert key.strip() not in listed.stdout
    assert key.strip().encode() not in shell.database.read_bytes()
    assert shell.run("token", "delete", "2").stderr == "Deleted token 2.\n"
    refused = shell.run("token", "delete", "2")
    assert (refused.returncode, refused.stderr.splitlines()) == (
        1,
        ["there is no token 2", "List them with `firetower token list`."],
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "0.0.0.0"), "on 0.0.0.0 API keys would cross the network unencrypted"),
        (("--tls-cert", "tower.pem"), "TLS needs a certificate and its key"),
        (
            ("--tls-cert", "x", "--tls-key", "y"),
            "x and y cannot be used: No such file",
        ),
        (("--public-url", "tower"), '"tower" is no URL of a server'),
        (("--files", "/dev/null/x"), "files cannot be kept in /dev/null/x: Not a directory"),
        (("--port", "{taken}"), "127.0.0.1:{taken} cannot be listened on: address already in use"),
    ],
)
def test_server_that_cannot_start_says_why(
    shell: Shell, options: tuple[str, ...], said: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = str(holder.getsockname()[1])
        done = shell.run("serve", *(one.replace("{taken}", taken) for one in options))
    first, second = done.stderr.splitlines()[-2:]
    assert done.returncode == 1
    assert first.startswith(said.replace("{taken}", taken))
    assert second


def test_server_answers_logs_and_stops(shell: Shell, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [SCRIPT, "serve", "--port", "0", "--access-log"],
            env=shell.environment,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stderr is not None
            url = process.stderr.readline().split()[-1]
            assert "There is no API key yet" in process.stderr.readline()
            with urllib.request.urlopen(f"{url}/healthz", timeout=TIMEOUT) as answer:
                assert json.load(answer) == {"status": "ok"}
            port = int(url.rpartition(":")[2])
            zipped = (
                b"POST /graphql HTTP/1.0\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno"
            )
            for nonsense in (b"GET / HTTP/9.9\r\n\r\n", zipped):
                with socket.create_connection(("127.0.0.1", port), TIMEOUT) as stranger:
                    stranger.sendall(nonsense)
                    assert b" 40" in stranger.recv(1_024)
            process.send_signal(signal.SIGTERM)
            assert process.stderr.read() == "stopped\n"
    assert process.returncode == 0
    [line, *_] = log.read_text().splitlines()
    logged = json.loads(line)
    assert (logged["method"], logged["path"], logged["status"]) == ("GET", "/healthz", 200)


def test_server_answers_where_its_log_cannot_be_written(shell: Shell) -> None:
    with Path("/dev/full").open("wb") as full:
        process = subprocess.Popen(
            [SCRIPT, "serve", "--port", "0", "--no-worker", "--access-log"],
            env=shell.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    with process:
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        with urllib.request.urlopen(f"{url}/healthz", timeout=TIMEOUT) as answer:
            assert json.load(answer) == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        assert process.stderr.readlines()[1:] == ["stopped\n"]
