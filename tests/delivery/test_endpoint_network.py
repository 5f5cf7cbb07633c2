"""A proxy and CA certificates of an endpoint's own, with real proxies and TLS servers."""

import asyncio
import os
import re
import socket
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cli.shell import Shell, automation
from firetower.core.endpoints import EndpointKind, EndpointSettings, check_proxy
from firetower.core.errors import InvalidInput
from firetower.core.requests import Request, Secrets
from firetower.core.retry import Answer
from firetower.delivery.client import open_client, send
from receiver import serve

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
ELSEWHERE = "http://ci.firetower.invalid/hook"


def read_head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head and (data := connection.recv(65536)):
        head += data
    return head.decode()


@contextmanager
def listening(handler: type[BaseRequestHandler]) -> Iterator[int]:
    with ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@dataclass
class Proxy:
    """Answers plain requests itself, and passes CONNECT on to a port of this machine."""

    port: int = 0
    heads: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://me:geh%21eim@127.0.0.1:{self.port}"


def _relay(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            head = read_head(self.request)
            made.heads.append(head)
            if not head.startswith("CONNECT "):
                self.request.sendall(OK)
                return
            port = int(head.split()[1].rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)) as target:
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_relay, args=(target, self.request))
                back.start()
                _relay(self.request, target)
                back.join()

    with listening(Handler) as made.port:
        yield made


@dataclass
class Tls:
    url: str
    ca_file: Path
    requests: list[str]


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Tls]:
    """A server whose certificate only its own CA file knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "own")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    ca_file, key_file = tmp_path / "own-ca.pem", tmp_path / "server.pem"
    ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, key_file)
    requests: list[str] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), context.wrap_socket(self.request, server_side=True) as secure:
                requests.append(read_head(secure))
                secure.sendall(OK)

    with listening(Handler) as port:
        yield Tls(f"https://127.0.0.1:{port}/hook", ca_file, requests)


def automated(folder: Path, url: str, *options: str) -> Shell:
    """A shell with an automation that fired for an endpoint with these options."""
    shell = Shell(folder)
    shell.ok("registry", "create", "models")
    shell.ok("log", "acme/vision/resnet", "--type", "model", "--reference", "s3://bucket/model")
    shell.ok("link", "acme/vision/resnet:v0", "models/resnet")
    shell.ok("webhook", "create", "ci", url, *options)
    shell.ok(*automation("--webhook", "ci"))
    shell.ok("alias", "add", "models/resnet:v0", "production")
    return shell


def test_endpoint_goes_through_its_own_proxy_and_shows_no_password(
    tmp_path: Path, proxy: Proxy
) -> None:
    shell = automated(tmp_path, ELSEWHERE, "--proxy", proxy.url)
    plain = f"http://127.0.0.1:{proxy.port}"
    # It comes before the environment's, and NO_PROXY is not for it.
    other = {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "*"}
    outputs = [
        shell.run("worker", "--once", **other),
        tested := shell.run("webhook", "test", "ci", **other),
        shown := shell.run("webhook", "show", "ci"),
        as_json := shell.run("webhook", "show", "ci", "--json"),
        shell.run("webhook", "list", "--json"),
        checked := shell.run("doctor"),
        shell.run("execution", "list", "--json"),
    ]
    assert len(proxy.heads) == 2
    kept = [one.read_bytes() for one in tmp_path.iterdir() if one.suffix != ".key"]
    assert not any(b"geh" in content for content in kept)
    assert all(head.startswith(f"POST {ELSEWHERE} HTTP/1.1") for head in proxy.heads)
    assert all("Proxy-Authorization: Basic" in head for head in proxy.heads)
    assert f"Sent through the proxy {plain}." in tested.stderr
    assert plain in shown.stdout
    assert f'"proxy":"{plain}"' in as_json.stdout
    assert f"ci through {plain}" in checked.stdout
    assert "geh" not in "".join(one.stdout + one.stderr for one in outputs)
    shell.ok("webhook", "edit", "ci", "--timeout", "5s")
    assert plain in shell.ok("webhook", "show", "ci")
    set_it = "UPDATE endpoints SET proxy = ?"  # as it was kept once
    for before in (False, True):
        with closing(sqlite3.connect(shell.database)) as connection, connection:
            _ = connection.execute(set_it, (proxy.url,)) if before else None
        shell.ok("key", "rotate")
        with closing(sqlite3.connect(shell.database)) as connection:
            assert "geh" not in connection.execute("SELECT proxy FROM endpoints").fetchone()[0]
        shell.ok("webhook", "test", "ci")
    assert len(set(re.findall("Proxy-Authorization: .*", "".join(proxy.heads)))) == 1
    assert len(proxy.heads) == 4
    shell.database.with_suffix(".key").rename(tmp_path / "gone")
    assert "the secret key is missing" in shell.run("doctor").stdout
    assert "the secret key is missing" in shell.run("webhook", "test", "ci").stderr
    shell.ok("webhook", "edit", "ci", "--proxy", "")
    assert plain not in shell.ok("webhook", "show", "ci")


def test_endpoint_is_verified_by_its_ca_file_also_through_a_proxy(
    tmp_path: Path, proxy: Proxy, tls: Tls
) -> None:
    shell = automated(tmp_path, tls.url)
    refused = shell.run("webhook", "test", "ci")
    assert "the TLS certificate was refused" in refused.stderr
    shell.ok("webhook", "edit", "ci", "--ca", str(tls.ca_file), "--proxy", proxy.url)
    assert str(tls.ca_file) in shell.ok("webhook", "show", "ci")
    shell.ok("webhook", "test", "ci")
    assert proxy.heads[0].startswith("CONNECT 127.0.0.1:")
    shell.ok("webhook", "edit", "ci", "--proxy", "")
    shell.ok("worker", "--once")
    assert (len(tls.requests), len(proxy.heads)) == (2, 1)


@pytest.mark.parametrize("content", [None, "no certificate", "a pipe"])
def test_ca_file_that_cannot_be_read_is_told_and_keeps_waiting(
    tmp_path: Path, tls: Tls, content: str | None
) -> None:
    path = tmp_path / "given.pem"
    if content == "a pipe":  # to open it waits for somebody who writes
        os.mkfifo(path)
    elif content is not None:
        path.write_text(content)
    shell = automated(tmp_path, tls.url, "--ca", str(path), "--retry-schedule", "never")
    problem = f"ci names the CA file {path}, which"
    edited = shell.run("webhook", "edit", "ci", "--timeout", "9s").stderr
    assert problem in edited
    assert "\nPut CA certificates there" in edited
    assert problem in shell.run("doctor").stdout
    tested = shell.run("webhook", "test", "ci")
    assert (tested.returncode, len(tested.stderr.splitlines())) == (1, 2)
    assert f"the CA file {path}, which" in tested.stderr
    worked = shell.run("worker", "--once")
    assert worked.returncode == 1
    assert "1 execution left waiting: the endpoint names the CA file" in worked.stderr
    path.unlink(missing_ok=True)
    path.write_bytes(tls.ca_file.read_bytes())
    shell.ok("worker", "--once")
    assert len(tls.requests) == 1


def test_stale_ca_file_of_the_environment_fails_no_execution(tmp_path: Path, tls: Tls) -> None:
    shell = automated(tmp_path, tls.url, "--retry-schedule", "never")
    worked = shell.run("worker", "--once", SSL_CERT_FILE="/nowhere.pem")
    assert worked.returncode == 1
    assert "1 execution left waiting: SSL_CERT_FILE names /nowhere.pem" in worked.stderr
    assert shell.run("worker", "--once", SSL_CERT_FILE=str(tls.ca_file)).returncode == 0
    assert len(tls.requests) == 1


def test_its_own_ca_file_alone_decides_and_is_read_again(
    tmp_path: Path, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    path = tmp_path / "ca.pem"
    path.write_bytes(Path(certifi.where()).read_bytes())
    request = Request(tls.url, {}, b"{}", ca_file=str(path))

    async def exchange() -> list[Answer]:
        async with open_client() as client:
            refused = await send(client, request, timedelta(seconds=60))
            path.write_bytes(tls.ca_file.read_bytes())
            return [refused, await send(client, request, timedelta(seconds=60))]

    refused, answer = asyncio.run(exchange())
    assert "the TLS certificate was refused" in str(refused.error)
    assert answer == Answer(200, body="ok")


@pytest.mark.parametrize(
    "proxy",
    [
        *("socks5://me:geheim@h:1", "h:3128", "http://me:geh/eim@h:1", "http://me:geheim@h:x"),
        *("http://me:geheim@h/path", "http://me:geheim@", "http://me:geheim%0a@h", "http://[::1"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(proxy: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_proxy(proxy)
    assert "geh" not in caught.value.text


def test_python_api_hides_the_proxy_and_refuses_a_relative_ca(tmp_path: Path) -> None:
    import firetower

    settings = EndpointSettings(
        name="ci", kind=EndpointKind.WEBHOOK, url=ELSEWHERE, proxy="http://me:geheim@h:1"
    )
    with firetower.connect(str(tmp_path / "tower.db")) as tower:
        endpoint = tower.endpoints.create(settings)
        sealed = endpoint.settings
        assert sealed.shown_proxy == "http://h:1"
        assert sealed == settings.model_copy(update={"proxy": sealed.proxy})
        assert tower.endpoints.edit("ci", sealed).settings == sealed
        assert tower.endpoints.open_secrets(endpoint).proxy == settings.proxy
        assert "geheim" not in repr(endpoint)
        with pytest.raises(InvalidInput, match="is no whole path"):
            tower.endpoints.edit("ci", settings.model_copy(update={"ca_file": "own.pem"}))


def test_an_answer_that_gives_the_proxys_password_back_is_not_kept() -> None:
    hidden = Secrets().hiding("http://me:geh%21eim@h:1")
    assert hidden.are_in("you said bWU6Z2VoIWVpbQ== here")
    assert hidden.are_in("geh!eim")
    both = Secrets().hiding(None, "you:versteckt@h:1", "http://me:geheim@h:1")
    assert both.are_in("versteckt")
    assert both.are_in("geheim")
    assert Secrets().hiding("http://h:1") == Secrets().hiding(None) == Secrets()


def test_an_endpoint_without_a_proxy_is_asked_directly(tmp_path: Path, proxy: Proxy) -> None:
    with serve() as receiver:
        automated(tmp_path, receiver.url()).ok("worker", "--once")
        assert len(receiver.requests) == 1
    assert proxy.heads == []
