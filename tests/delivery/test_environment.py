"""Proxies and CA certificates of the environment, and addresses that are not for endpoints."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cli.shell import Shell, automation
from delivery.test_client import answer_of, raw_server
from firetower.delivery.environment import (
    ca_file_problem,
    certificate_problem,
    describe_proxies,
    find_proxy,
)
from receiver import Receiver, serve
from towers import COMMAND

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
ELSEWHERE = "http://ci.firetower.invalid/hook?a=%2F"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def proxy() -> Iterator[Receiver]:
    with serve() as receiver:
        yield receiver


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_request_goes_through_the_proxy(
    name: str, proxy: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://me:geheim@127.0.0.1:{proxy.port}")
    assert answer_of(ELSEWHERE).succeeded
    [request] = proxy.at(ELSEWHERE)
    assert request.headers["proxy-authorization"].startswith("Basic ")
    assert describe_proxies().endswith(f" through http://127.0.0.1:{proxy.port}")


@pytest.mark.parametrize("exempt", ["127.0.0.1", "*", "x,127.0.0.0/8", "127.0.0.1:{port}"])
def test_a_host_in_no_proxy_is_asked_directly(
    exempt: str, proxy: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as receiver:
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
        assert answer_of(receiver.url()).succeeded
        assert proxy.requests
        monkeypatch.setenv("no_proxy", exempt.format(port=receiver.port))
        assert answer_of(receiver.url()).succeeded
        assert len(receiver.requests) == len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("url", "exempt"),
    [
        ("http://[::1]:8080/", "::1"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("http://[::1]/", "0:0:0:0:0:0:0:1"),
        ("https://[fd00::7]/", "no/network, fd00::/8"),
        ("https://10.1.2.3/", "fd00::/8,10.0.0.0/8"),
        ("https://ci.test/", "ci.test:443"),
        ("http://x.ci.test/", ".ci.test"),
        ("http://x.ci.test./", "localhost 10.0.0.1  *.CI.test."),
        ("http://ci.test/", "localhost, *"),
    ],
)
def test_no_proxy_takes_addresses_networks_and_ports(url: str, exempt: str) -> None:
    proxies = {"http": "me:geheim@proxy:3128", "https": "me:geheim@proxy:3128"}
    assert find_proxy(url, proxies) == "http://me:geheim@proxy:3128"
    assert find_proxy(url, {**proxies, "no": exempt}) is None
    other = find_proxy("http://other-ci.test:444/", {**proxies, "no": exempt})
    assert (other is None) == exempt.endswith("*")


def test_what_a_proxy_refuses_is_told_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n")

    with raw_server(refuse) as url:
        monkeypatch.setenv("https_proxy", url)
        answer = answer_of("https://ci.firetower.invalid/")
    assert (answer.status_code, answer.error) == (None, "the proxy answered 407")
    assert answer_of("https://ci.firetower.invalid/").error == "the proxy: connection refused"
    monkeypatch.setenv("https_proxy", "http://gone.firetower.invalid:3128")
    error = answer_of("https://ci.firetower.invalid/").error
    assert error == "the proxy: the host's name was not found"
    monkeypatch.setenv("https_proxy", "socks5://me:geheim@127.0.0.1:1080")
    error = answer_of("https://ci.firetower.invalid/").error
    assert error == "the proxy socks5://127.0.0.1:1080 is neither http nor https"
    monkeypatch.setenv("https_proxy", "me:ge//heim@127.0.0.1:1x")
    assert describe_proxies() == "https through 127.0.0.1:1x"
    error = answer_of("https://ci.firetower.invalid/").error
    assert error == "the proxy http://127.0.0.1:1x has a port that is no number"
    for hostless in ("//127.0.0.1:3128", "http://:3128"):
        monkeypatch.setenv("https_proxy", hostless)
        assert str(answer_of("https://ci.firetower.invalid/").error).endswith(" names no host")


@pytest.fixture(params=["missing", "garbage", "folder"])
def stale(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    path = tmp_path / "old.pem"
    if request.param == "garbage":
        path.write_text("no certificate")
    return "SSL_CERT_DIR" if request.param == "folder" else "SSL_CERT_FILE", str(path)


def test_stale_certificates_are_told_and_stop_no_http(
    stale: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path)
    shell.ok("registry", "create", "models")
    shell.ok("log", "acme/vision/resnet", "--type", "model", "--reference", "s3://bucket/model")
    shell.ok("link", "acme/vision/resnet:v0", "models/resnet")
    with serve() as receiver:
        shell.ok("webhook", "create", "ci", receiver.url())
        shell.ok(*automation("--webhook", "ci"))
        shell.ok("alias", "add", "models/resnet:v0", "production")
        name, path = stale
        for command in (("worker", "--once"), ("webhook", "test", "ci")):
            done = shell.run(*command, **{name: path})
            assert done.returncode == 0, done.stderr
            assert f"{name} names {path}, which" in done.stderr
            assert f"Set {name} to CA certificates, or unset it" in done.stderr
        assert len(receiver.requests) == 2
        checked = shell.run("doctor", **{name: path})
        assert f"{name} names {path}" in checked.stdout
    monkeypatch.setenv(name, path)
    assert certificate_problem() is not None
    monkeypatch.delenv(name)
    assert certificate_problem() is None


def test_proxies_are_shown_without_their_passwords(tmp_path: Path, proxy: Receiver) -> None:
    shell, address = Shell(tmp_path), f"127.0.0.1:{proxy.port}"
    proxies = {"HTTP_PROXY": f"http://me:geheim@{address}", "NO_PROXY": "localhost"}
    shell.ok("webhook", "create", "ci", ELSEWHERE)
    tested = shell.run("webhook", "test", "ci", **proxies)
    assert f"Sent through the proxy http://{address}." in tested.stderr
    assert tested.returncode == 0
    assert proxy.at(ELSEWHERE)
    as_json = shell.run("webhook", "test", "ci", "--json", **proxies)
    assert f'"proxy":"http://{address}"' in as_json.stdout
    checked = shell.run("doctor", **proxies)
    assert f"http through http://{address}; not for localhost" in checked.stdout
    worked = shell.run("worker", "--once", **proxies)
    assert f"proxies: http through http://{address}" in worked.stderr
    said = [one.stdout + one.stderr for one in (tested, as_json, checked, worked)]
    assert "geheim" not in "".join(said)


def test_key_log_that_cannot_be_written_is_ignored_with_a_line(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    with serve() as receiver:
        shell.ok("webhook", "create", "ci", receiver.url())
        done = subprocess.run(
            [COMMAND, "webhook", "test", "ci"],
            env=shell.environment | {"SSLKEYLOGFILE": str(tmp_path / "nowhere" / "keys")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, "✓ 200\n")
    assert done.stderr == (
        "SSLKEYLOGFILE cannot be written and is ignored: No such file or directory\n"
    )


PRIVATE = (
    *("169.254.169.254", "169.254.0.1", "100.100.100.200", "fe80::1", "fd00:ec2::254"),
    *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"),
)


HIDDEN = (
    *(
        "169.254.169.254",
        "169.254.169.254.",
        "169。254。169。254",
        "0xA9FEA9FE",
        "169.254.169.0xfe",
    ),
    *("[::169.254.169.254]", "[::ffff:0:a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]"),
    *("[fd00:ec2::254%25lo]", "Metadata.Google.Internal", "metadata.google.internal."),
)
"""Private targets as a proxy would read them."""


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("by_name", [False, True])
def test_no_request_goes_to_a_private_target(
    address: str, by_name: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = {"hostname": "x", "host": address, "port": 80, "family": family, "proto": 0, "flags": 0}

    async def resolve(*_: Any) -> list[dict[str, Any]]:
        return [found]

    monkeypatch.setattr(aiohttp.AsyncResolver, "resolve", resolve)
    host = "metadata.test" if by_name else f"[{address}]" if ":" in address else address
    refused = answer_of(f"http://{host}/")
    assert "is a link-local or metadata address" in str(refused.error)
    monkeypatch.setenv("FIRETOWER_ALLOW_PRIVATE_TARGETS", "1")
    tried = answer_of(f"http://{host}/", 0.1)
    assert "metadata address" not in str(tried.error)


def test_a_proxy_is_not_asked_for_a_private_target(
    proxy: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    for host in HIDDEN:
        assert "metadata address" in str(answer_of(f"http://{host}/latest").error)
    assert proxy.requests == []


def test_a_private_target_is_allowed_by_option(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.ok("webhook", "create", "meta", "http://169.254.169.254:1/", "--timeout", "0.1s")
    done = shell.run("webhook", "test", "meta")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2)
    assert "metadata address" in done.stderr
    done = shell.run("webhook", "test", "meta", "--allow-private-targets")
    assert "metadata address" not in done.stderr


def test_ca_file_of_a_name_that_no_system_takes_is_a_problem() -> None:
    problem = ca_file_problem("webhook ci", "/" + "x" * 300)
    assert problem is not None
    assert "which cannot be read" in problem.message
