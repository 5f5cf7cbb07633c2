"""How a server runs, and the addresses it signs."""

import hashlib
import hmac
import ipaddress
import ssl
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from firetower.core.errors import InvalidInput
from firetower.core.text import quoted, shortened

URL_LIFETIME = timedelta(days=1)
"""How long the address of an upload or download is good."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server runs."""

    host: str = "127.0.0.1"
    port: int = 8090
    files: Path | None = None
    """Where the files of artifacts are kept; None keeps their names, sizes and digests only."""
    tls: tuple[Path, Path] | None = None
    """The files of the certificate, with those of its chain, and of its key."""
    insecure: bool = False
    """Whether to listen beyond this machine without TLS, as behind a proxy that adds it."""
    public_url: str | None = None
    """How clients reach the server, where a proxy stands before it."""
    url_key: bytes = b""
    """Signs the addresses of uploads and downloads, which come without an API key."""

    def check(self) -> None:
        """Refuse to send keys and files in the clear. Raises InvalidInput."""
        if self.tls is None and not self.insecure and not _is_loopback(self.host):
            raise InvalidInput(
                f"on {self.host} API keys would cross the network unencrypted",
                "Give --tls-cert and --tls-key, or --insecure behind a proxy that adds TLS.",
            )
        if self.public_url is not None and not self.public_url.startswith(("http://", "https://")):
            raise InvalidInput(
                f"{quoted(shortened(self.public_url, 60))} is no URL of a server",
                "Write it as https://tower.example.com.",
            )

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the context of TLS, None without it. Raises InvalidInput."""
        if self.tls is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate, key = self.tls
        try:
            context.load_cert_chain(certificate, key)
        except OSError as error:  # SSLError is one
            raise InvalidInput(
                f"{certificate} and {key} cannot be used: {error.strerror or error}",
                "Give a certificate and its key as PEM files that this user may read.",
            ) from None
        return context

    def sign(self, path: str) -> str:
        """Return a path of this server with its signature, good for a day."""
        until = int(time.time() + URL_LIFETIME.total_seconds())
        return f"{path}?until={until}&signature={self._signature(path, str(until))}"

    def is_signed(self, path: str, until: str, signature: str) -> bool:
        """Return whether a path was signed by this server, and not too long ago."""
        expected = self._signature(path, until).encode()
        if not hmac.compare_digest(expected, signature.encode("utf-8", "replace")):
            return False
        return int(until) > time.time()  # a number, for it was signed

    def _signature(self, path: str, until: str) -> str:
        said = f"{until} {path}".encode("utf-8", "replace")
        return hmac.new(self.url_key, said, hashlib.sha256).hexdigest()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
