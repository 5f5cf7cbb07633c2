"""The local receiver that stands for the demo's endpoints."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from firetower.demo.endpoints import reply

_MOST_READ = 1 << 20


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str]] = Counter()

    def count(self, path: str, webhook_id: str) -> int:
        """Return how often a request has come, this time included."""
        with self._lock:
            self._seen[path, webhook_id] += 1
            return self._seen[path, webhook_id]

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that hangs up is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        """Answer as the endpoint of this path does, after as long."""
        length = self.headers["content-length"] or ""
        self.rfile.read(min(int(length) if length.isdecimal() else 0, _MOST_READ))
        webhook_id = self.headers["webhook-id"] or ""
        answer = reply(self.path, webhook_id, self.server.count(self.path, webhook_id))
        time.sleep(answer.delay.total_seconds())
        content = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: the feed tells of every request."""


@contextmanager
def serve() -> Iterator[str]:
    """Serve on a free port of this machine until the block ends; yield the URL."""
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
