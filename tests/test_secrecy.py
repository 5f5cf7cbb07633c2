"""Secrets are nowhere but in requests: not on the disk, in no log, no listing, no screen."""

import base64
import random
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

import firetower
from cli.shell import SCRIPT, Shell, automation
from faults.processes import wait_for_peace
from firetower.core.endpoints import EndpointKind
from firetower.store.store import utc_now
from firetower.tui.app import FiretowerApp
from receiver import Received, Receiver, serve
from towers import started
from tui.screens import press, screen_text, shows, until
from waiting import TIMEOUT

TOKEN, SIGNING = "bearer/7f+&=hush~one", "signing/9c+&=hush~two"
ONCE_MORE = ("--retry-schedule", "1s")
ECHOES = ("/taken", "/refused", "/slack/T0/B0+hush~three")
"""Paths that answer with whatever they were sent, written in each way."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serve() as receiver:
        receiver.answer = echo
        yield receiver


def echo(request: Received) -> tuple[int, dict[str, str], bytes]:
    said = [request.path, request.headers.get("authorization", ""), request.body.decode()]
    told = [form for one in (*said, TOKEN, SIGNING) for form in forms(one)]
    status = 200 if request.path == "/taken" else 400
    return status, {}, "\n".join(told).encode()


def forms(value: str) -> set[str]:
    """Return a value plain, percent-encoded and in base64, alone and after a user's name."""
    said = [text.encode() for text in (value, f"me:{value}", f"team:{value}")]
    coded = {code(one) for one in said for code in (base64.b64encode, base64.urlsafe_b64encode)}
    return {value, quote(value), quote(value, safe=""), quote_plus(value)} | {
        one.decode() for one in coded
    }


@pytest.fixture
def shell(tmp_path: Path, receiver: Receiver) -> Shell:
    """A database with an endpoint that takes, one that refuses, and a Slack hook that does."""
    shell = Shell(tmp_path)
    shell.ok("registry", "create", "models")
    shell.ok("log", "acme/vision/resnet", "--type", "model", "--reference", "s3://bucket/model")
    shell.ok("link", "acme/vision/resnet:v0", "models/resnet")
    secrets = {"TOKEN": TOKEN, "SIGNING": SIGNING, "HOOK": receiver.url(ECHOES[2])}
    for name, value in secrets.items():
        shell.ok("secret", "set", name, stdin=value + "\n")
    for path in ECHOES[:2]:
        name, granted = path[1:], ("--access-token", "TOKEN", "--signing-secret", "SIGNING")
        shell.ok("webhook", "create", name, receiver.url(path), *granted, *ONCE_MORE)
        payload = '{"token": "${ACCESS_TOKEN}", "alias": "${alias}"}'
        shell.ok(*automation("--webhook", name, "--payload", payload, name=name))
    shell.ok("slack", "create", "slack", "--url-secret", "HOOK", *ONCE_MORE)
    shell.ok(*automation("--slack", "slack", name="slack"))
    return shell


def everything_said(shell: Shell) -> Iterator[tuple[str, str]]:
    """Yield what each command and file says, with its name."""
    numbers = [str(one["execution_id"]) for one in shell.objects("feed")]
    assert len(numbers) >= 3
    for command in (
        ("feed", "--json"),
        ("feed",),
        ("events", "--json"),
        ("doctor", "--json"),
        ("secret", "list", "--json"),
        *(("execution", "show", number, "--json") for number in numbers),
        *(("execution", "show", number) for number in numbers[:1]),
        *(("webhook", "show", name, "--json") for name in ("taken", "refused")),
        ("slack", "show", "slack", "--json"),
        ("webhook", "test", "refused"),
        ("webhook", "test", "taken", "--json"),
        ("slack", "test", "slack"),
        *(("automation", "show", name, "--json") for name in ("taken", "refused", "slack")),
        ("automation", "show", "taken", "--revisions"),
        ("explain", "--automation", "taken", "--since", "1d"),
        ("database", "info"),
    ):
        done = shell.run(*command)
        yield " ".join(command), done.stdout + done.stderr
    for path in shell.folder.iterdir():
        if path.is_file() and path.suffix != ".key":
            yield path.name, path.read_bytes().decode("latin-1")


def work(shell: Shell, alias: str, *options: str) -> Iterator[tuple[str, str]]:
    """Fire everything once while a worker runs; yield what it and its metrics say."""
    database = str(shell.database)
    with started(database, "worker", "--metrics", "0", *options) as worker:
        assert worker.stderr is not None
        address = next(line for line in worker.stderr if "metrics on" in line).split()[-1]
        shell.ok("alias", "add", "models/resnet:v0", alias)
        wait_for_peace(database)
        with urllib.request.urlopen(address) as answer:
            metrics = answer.read().decode()
        assert 'firetower_outcomes_total{endpoint="slack"' in metrics
        yield "metrics", metrics
        yield (
            "files beside a worker",
            "".join(
                path.read_bytes().decode("latin-1")
                for path in shell.folder.iterdir()
                if path.suffix != ".key"
            ),
        )
        worker.send_signal(signal.SIGTERM)
        stdout, stderr = worker.communicate(timeout=TIMEOUT)
    assert "refused" in stdout
    yield "worker", stdout + stderr


def look_for_secrets(said: Iterator[tuple[str, str]], receiver: Receiver) -> None:
    written = {
        form: name
        for name, value in {
            "token": TOKEN,
            "signing": SIGNING,
            "slack": receiver.url(ECHOES[2]),
            "slack's path": ECHOES[2],
        }.items()
        for form in forms(value)
    }
    found = {
        (where, name, form)
        for where, text in said
        for form, name in written.items()
        if form in text
    }
    assert not found


def test_no_command_log_or_file_holds_a_secret(shell: Shell, receiver: Receiver) -> None:
    look_for_secrets(work(shell, "one"), receiver)
    assert TOKEN.encode() in receiver.at("/taken")[0].body  # it was sent, and echoed
    shell.ok("key", "rotate")
    look_for_secrets(work(shell, "two", "--log-format", "json"), receiver)
    look_for_secrets(everything_said(shell), receiver)


@pytest.mark.anyio
async def test_no_screen_shows_a_secret(
    shell: Shell, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRETOWER_SECRET_KEY", raising=False)
    shell.ok("alias", "add", "models/resnet:v0", "one")
    shell.ok("worker", "--once")
    seen: list[tuple[str, str]] = []
    app = FiretowerApp(lambda: firetower.connect(str(shell.database)), clock=utc_now)
    async with app.run_test(size=(200, 120), notifications=True) as pilot:

        async def look(where: str, *keys: str, until_shown: str) -> None:
            await press(pilot, *keys)
            await until(pilot, lambda: shows(pilot, until_shown))
            seen.append((where, "\n".join(screen_text(pilot))))

        await until(pilot, lambda: shows(pilot, "models"))
        await look("feed", "3", until_shown="slack")
        for place in range(3):
            await look(f"execution {place}", "enter", until_shown="webhook-id")
            await press(pilot, "escape", "j")
        await look("endpoints", "5", until_shown="refused")
        await look("endpoint", "enter", until_shown="last error")
        await look("test of an endpoint", "t", until_shown="Sends a sample")
        await look("its answer", "t", until_shown="✗ 4")
        await press(pilot, "escape", "escape")
        await look("secrets", "S", until_shown="SIGNING")
    assert any("••" in text or "***" in text for _, text in seen)
    look_for_secrets(iter(seen), receiver)


@pytest.mark.slow
def test_rotation_killed_at_any_moment_leaves_secrets_readable(
    shell: Shell, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRETOWER_SECRET_KEY", raising=False)
    chance, killed = random.Random(20_260), 0
    begun = time.monotonic()
    subprocess.run([SCRIPT, "key", "rotate"], env=shell.environment, check=True)
    whole = time.monotonic() - begun
    while killed < 6:
        process = subprocess.Popen(
            [SCRIPT, "key", "rotate"], env=shell.environment, stderr=subprocess.DEVNULL
        )
        time.sleep(whole * chance.uniform(0.5, 1.05))  # the random moment at which it dies
        process.kill()
        died = process.wait() == -signal.SIGKILL
        killed += died
        whole *= 1.05 if died else 0.9  # near the end, however slow the machine is by now
        with firetower.connect(str(shell.database)) as tower:
            for name, kind in (
                ("taken", EndpointKind.WEBHOOK),
                ("slack", EndpointKind.SLACK),
            ):
                opened = tower.endpoints.open_secrets(tower.endpoints.get(name, kind).endpoint)
                assert set(opened.values.values()) <= {TOKEN, SIGNING, receiver.url(ECHOES[2])}
                assert opened.values
    shell.ok("key", "rotate")
    assert "," not in (shell.folder / "tower.key").read_text()
