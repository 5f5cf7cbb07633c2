"""How a server runs, and the addresses it signs."""

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server runs."""

    host: str = "127.0.0.1"
    port: int = 8090
    files: Path | None = None
    """Where the files of artifacts are kept; None keeps their names, sizes and digests only."""
    url_key: bytes = b""
    """Signs the addresses of uploads and downloads, which come without an API key."""

    def sign(self, path: str) -> str:
        """Return a path of this server with its signature."""
        return f"{path}?signature={self._signature(path)}"

    def is_signed(self, path: str, signature: str) -> bool:
        """Return whether a signature is that of a path."""
        return hmac.compare_digest(self._signature(path).encode(), signature.encode())

    def _signature(self, path: str) -> str:
        return hmac.new(self.url_key, path.encode(), hashlib.sha256).hexdigest()
