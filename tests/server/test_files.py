"""Files of artifacts are kept whole under their digest, or not at all."""

import asyncio
import errno
import hashlib
import json
import os
import socket
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from artifacts import COMMIT, FILES, MANIFEST, begin, manifest, md5
from firetower.cli.doctor import server_problem
from firetower.core.errors import InvalidInput, StoreError
from firetower.server import run
from firetower.server.files import FileStore
from firetower.server.settings import URL_LIFETIME, ServerSettings
from serving import Running, serving
from waiting import TIMEOUT

URLS = """query { project(name: "vision", entityName: "acme") { artifactCollection(name: "resnet") {
    artifactMembership(aliasName: "latest") { files(first: 9) { totalCount edges { node {
    name directUrl sizeBytes md5 } } } } } } }"""


@pytest.fixture
def keeping(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    """A server that keeps files."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    database = tmp_path / "tower.db"
    database.write_bytes(sqlite_template.read_bytes())
    with serving(str(database), tmp_path, files=tmp_path / "files") as found:
        yield found


def kept(running: Running) -> list[str]:
    return sorted(path.name for path in (running.folder / "files").rglob("*") if path.is_file())


def test_file_is_kept_and_fetched(keeping: Running) -> None:
    content = b"weights" * 500_000
    written, digest = manifest(model=content)
    begun = begin(keeping, digest)
    asked = keeping.query(MANIFEST, artifact=begun["id"])["createArtifactManifest"]
    body = json.dumps(written).encode()
    keeping.post(asked["artifactManifest"]["file"]["uploadUrl"], body, method="PUT")
    assert keeping.refused(COMMIT, id=begun["id"])[1] == 'the file "model" has not arrived'
    files = [{"artifactID": begun["id"], "name": "model", "md5": md5(content)}]
    [edge] = keeping.query(FILES, files=files)["createArtifactFiles"]["files"]["edges"]
    url = edge["node"]["uploadUrl"]
    for wrong in (content[:-1], content + b"x", b""):
        status, answer = keeping.post(url, wrong, method="PUT")
        assert (status, answer["errors"][0]["message"].partition(" is ")[0]) == (
            400,
            "the file's MD5",
        )
    for old, new in (("signature=", "signature=0"), ("until=1", "until=2"), ("until=", "until=x")):
        assert keeping.post(url.replace(old, new), content, method="PUT")[0] == 400
    assert kept(keeping) == []
    assert keeping.post(url, content, method="PUT")[0] == 200
    assert kept(keeping) == [hashlib.md5(content).hexdigest()]
    [edge] = keeping.query(FILES, files=files)["createArtifactFiles"]["files"]["edges"]
    assert edge["node"]["uploadUrl"] is None  # it is there
    keeping.query(COMMIT, id=begun["id"])
    found = keeping.query(URLS)["project"]["artifactCollection"]["artifactMembership"]["files"]
    [node] = [edge["node"] for edge in found["edges"]]
    assert (node["name"], node["sizeBytes"], node["md5"]) == ("model", len(content), md5(content))
    with urllib.request.urlopen(node["directUrl"], timeout=TIMEOUT) as answer:
        assert answer.read() == content


def test_full_disk_is_said_to_both_sides_and_leaves_nothing(
    keeping: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    url = f"/storage/files/{hashlib.md5(b'x').hexdigest()}"
    signed = keeping.server.settings.sign(url)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        status, answer = keeping.post(signed, b"x", method="PUT")
    said = f"a file cannot be kept in {keeping.folder / 'files'}: No space left on device"
    assert (status, answer["errors"][0]["message"].splitlines()[0]) == (503, said)
    assert [one.getMessage().startswith(said) for one in caplog.records] == [True]
    assert kept(keeping) == []
    assert keeping.post(signed, b"x", method="PUT")[0] == 200


def test_address_is_good_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ServerSettings(url_key=b"key")
    path, _, query = settings.sign("/storage/files/x").partition("?")
    said = dict(parse_qsl(query))
    assert settings.is_signed(path, said["until"], said["signature"])
    assert not ServerSettings(url_key=b"other").is_signed(path, said["until"], said["signature"])
    later = time.time() + URL_LIFETIME.total_seconds() + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert not settings.is_signed(path, said["until"], said["signature"])


def test_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * (1 << 21)
        raise ConnectionResetError(104, "reset")

    with pytest.raises(ConnectionResetError):
        asyncio.run(store.receive("0" * 32, broken()))
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []
    for name in ("../../etc/passwd", "..", "0" * 31, "A" * 32):
        with pytest.raises(InvalidInput):
            store.path(name)
    killed, arriving = (store.folder / "00" / f".arriving-{name}" for name in ("old", "new"))
    for path in (killed, arriving):
        path.touch()
    os.utime(killed, (0, 0))
    store.sweep()
    assert [path for path in store.folder.rglob("*") if path.is_file()] == [arriving]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "tower.pem", folder / "tower.key"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_tls_is_served_and_needed_beyond_loopback(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host in ("0.0.0.0", "::", "tower.example.com"):
        with pytest.raises(InvalidInput, match="unencrypted"):
            ServerSettings(host).check()
        ServerSettings(host, insecure=True).check()
    for host in ("127.0.0.1", "::1", "localhost"):
        ServerSettings(host).check()
    tls = certificate(tmp_path)
    with pytest.raises(InvalidInput, match="cannot be used"):
        ServerSettings("::", tls=(tls[1], tls[0])).tls_context()
    database = tmp_path / "tower.db"
    database.write_bytes(sqlite_template.read_bytes())
    with serving(str(database), tmp_path, tls=tls) as found:
        url = found.url.replace("http://127.0.0.1", "https://localhost") + "/healthz"
        trusted = ssl.create_default_context(cafile=str(tls[0]))
        with urllib.request.urlopen(url, context=trusted, timeout=TIMEOUT) as answer:
            assert json.load(answer) == {"status": "ok"}
    monkeypatch.setattr(run, "HANDSHAKE_TIMEOUT", 0.1)
    with (
        serving(str(database), tmp_path, tls=tls) as found,
        socket.create_connection(("127.0.0.1", int(found.url.rpartition(":")[2]))) as silent,
    ):
        assert silent.recv(1) == b""


@pytest.mark.slow
def test_script_trusts_a_certificate_of_its_own(sqlite_template: Path, tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    database = tmp_path / "tower.db"
    database.write_bytes(sqlite_template.read_bytes())
    script = "import wandb; wandb.init(project='vision', id='safe').finish()"
    with serving(str(database), tmp_path, tls=tls) as found:
        found.url = found.url.replace("http://127.0.0.1", "https://localhost")
        trusted = {name: str(tls[0]) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")}
        found.sdk(script, **trusted)
        assert found.tower.runs.get("acme/vision/safe").run.exit_code == 0
        reason = server_problem(found.url)
        assert reason is not None
        assert "CERTIFICATE_VERIFY_FAILED" in reason


def test_file_for_which_there_is_no_room_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(dir: Path, prefix: str) -> tuple[int, str]:  # noqa: A002 - as the one it replaces
        beside = dir / f"{prefix}x"
        beside.touch()
        return os.open("/dev/full", os.O_WRONLY), str(beside)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"weights"

    files = FileStore(tmp_path / "files")
    monkeypatch.setattr("firetower.server.files.tempfile.mkstemp", full)
    with pytest.raises(StoreError, match="No space left"):
        asyncio.run(files.receive(hashlib.md5(b"weights").hexdigest(), pieces()))
    assert not [one for one in files.folder.rglob("*") if one.is_file()]
