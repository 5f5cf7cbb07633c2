"""The endpoints of the demo: their settings, their answers, and the receiver that gives them."""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.retry import Answer

NOWHERE = "http://127.0.0.1:9"
"""A port of this machine on which nothing listens (discard, RFC 863)."""

SECRETS: Mapping[str, str] = {
    "CI_TOKEN": "demo-ci-token-5f1c0a9e",
    "CI_SIGNING": "whsec_ZGVtby1zaWduaW5nLWtleS1vZi10aGUtY2ktZW5kcG9pbnQ=",
    "EVAL_TOKEN": "demo-eval-token-c27be410",
    "AUDIT_SIGNING": "demo-audit-signing-8d3377",
}
"""The values of the demo's secrets, which open nothing."""
SLACK_SECRET = "ML_ALERTS_URL"  # noqa: S105 - the secret's name
SLACK_PATH = "/services/T0DEMO/B0DEMO/ml-alerts"

_QUICK = tuple(timedelta(seconds=wait) for wait in (8, 15, 30))
"""Waits short enough for somebody who watches."""
_SLOW = tuple(timedelta(seconds=wait) for wait in (10, 30, 60))


def settings(receiver_url: str) -> tuple[EndpointSettings, ...]:
    """Return the endpoints, with a receiver that answers as `reply` says."""

    def webhook(name: str, **more: object) -> EndpointSettings:
        given = {"url": f"{receiver_url}/{name}", "schedule": _QUICK, **more}
        return EndpointSettings.model_validate(
            {"name": name, "kind": EndpointKind.WEBHOOK, **given}
        )

    return (
        webhook("ci-deploy", access_token_secret="CI_TOKEN", signing_secret="CI_SIGNING"),  # noqa: S106
        webhook("eval-cluster", access_token_secret="EVAL_TOKEN", max_in_flight=4),  # noqa: S106
        webhook("audit-log", signing_secret="AUDIT_SIGNING", signature_encoding="hex"),  # noqa: S106
        webhook("pager", url=f"{NOWHERE}/page", schedule=_SLOW),
        webhook("old-dashboard"),
        EndpointSettings(
            name="ml-alerts", kind=EndpointKind.SLACK, url_secret=SLACK_SECRET, schedule=_QUICK
        ),
    )


def reply(path: str, webhook_id: str, number: int) -> tuple[Answer, timedelta]:
    """Return the answer to the `number`th request (from 1) with a webhook-id, and its delay.

    The same one gets the same answer, so that a history can be played again.
    """
    dice = hashlib.sha256(f"{webhook_id} {number}".encode()).digest()
    luck = dice[0] / 256
    status, milliseconds = 404, 1.0
    body: dict[str, object] = {"error": "no such endpoint"}
    match path:
        case "/ci-deploy":
            pipeline = 40_000 + int.from_bytes(dice[1:3])
            status, milliseconds, body = 202, 25 + 70 * luck, {"queued": True, "pipeline": pipeline}
        case "/eval-cluster" if luck < 0.08:
            status, milliseconds, body = 500, 340, {"error": "no node with a free accelerator"}
        case "/eval-cluster":
            status, milliseconds = 200, 1_000 + 2_000 * luck
            body = {"job": f"eval-{dice[1:4].hex()}", "suite": "nightly"}
        case "/audit-log" if luck < 0.35 and number == 1:
            status, milliseconds, body = 503, 12, {"error": "the journal is being compacted"}
        case "/audit-log":
            status, milliseconds, body = 201, 8 + 15 * luck, {"entry": int.from_bytes(dice[1:4])}
        case "/old-dashboard":
            status, milliseconds, body = 410, 6, {"error": "this dashboard was retired"}
        case "/page":
            status, milliseconds = 200, 60 + 90 * luck
            body = {"incident": f"INC-{int.from_bytes(dice[1:3])}"}
        case _ if path == SLACK_PATH:
            return Answer(200, body="ok"), timedelta(milliseconds=80 + 120 * luck)
    delay = timedelta(milliseconds=round(milliseconds, 3))
    return Answer(status, body=json.dumps(body)), delay


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: Counter[tuple[str, str]] = Counter()
        """How often each came; two of one path and webhook-id never come at the same time."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a sender that hangs up


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"] or 0))
        webhook_id = self.headers["webhook-id"] or ""
        self.server.requests[self.path, webhook_id] += 1
        answer, delay = reply(self.path, webhook_id, self.server.requests[self.path, webhook_id])
        time.sleep(delay.total_seconds())
        content = answer.body.encode()
        assert answer.status_code is not None
        self.send_response(answer.status_code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass  # the feed shows every request


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
