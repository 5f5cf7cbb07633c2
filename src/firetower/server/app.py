"""The HTTP side: routes, API keys, limits, errors, and the log of requests."""

import asyncio
import base64
import binascii
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from firetower.core.errors import Conflict, FiretowerError, InvalidInput, StoreError, Unforeseen
from firetower.core.json import dump, parse
from firetower.core.runs import RunReference
from firetower.core.text import shell_word
from firetower.server.fields import Arguments, Context, HttpNotFound
from firetower.server.file_stream import receive
from firetower.server.files import FileStore, Storage, read_body
from firetower.server.graphql import execute, is_mutation, read_document, unknown_fields
from firetower.server.settings import ServerSettings
from firetower.store.changes import Change, Reader
from firetower.store.store import Store
from firetower.store.tokens import Token, WrongKey, find_token, is_use_recorded, record_use

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

MAX_BODY = 64 << 20
"""Bytes of one request, files that are uploaded excepted."""
_SMALL_BODY = 1 << 16
"""Bytes that are awaited before the key is looked up: memory is for those who have one."""
_ARRIVAL_TIMEOUT = 1.0
"""Seconds for which they are: so are requests at work."""
MAX_PER_TOKEN = 64
"""Requests of one token at a time; one more is told to try again."""
MAX_REQUESTS = 512
"""Requests of all tokens, and files that arrive, at a time."""
THREADS = 4
"""Requests that use the database at a time: half of PostgreSQL's connections of one program."""
T = TypeVar("T")
_USER, _OPERATION = web.RequestKey("user", str), web.RequestKey("operation", str)
_defects = logging.getLogger(__name__)


class Forbidden(InvalidInput):
    """The token may not do it."""

    def __init__(self, token: Token) -> None:
        super().__init__(
            f"the API key of {token.user} may only read",
            "Make another with `firetower token create USER`.",
        )


@dataclass(slots=True)
class RequestCounts:
    """Counts of a server's answers since its start."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By route and status."""
    seconds: Counter[str] = field(default_factory=Counter)
    """By route, a sum."""
    open: Counter[str] = field(default_factory=Counter)
    """Requests at work by key."""


Log = Callable[[dict[str, Any]], None]
"""Gets the facts of one request."""


class Server:
    """Answers W&B's SDK from one database."""

    def __init__(self, store: Store, settings: ServerSettings, log: Log | None = None) -> None:
        """Raise StoreError where the folder of files cannot be used."""
        self.store = store
        self.settings = settings
        self.traffic = RequestCounts()
        self.idle: dict[asyncio.BaseProtocol, None] = {}
        """The connections of which no request is being answered, the longest idle first."""
        self.files = None if settings.files is None else FileStore(settings.files)
        self._log = log
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="server")

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._counted])
        app.router.add_post("/graphql", self.graphql)
        app.router.add_post("/files/{entity}/{project}/{run}/file_stream", self.file_stream)
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/metrics", self.metrics)
        Storage(self.store, self.settings, self.files, self.run).add_routes(app)
        return app

    async def graphql(self, request: web.Request) -> web.Response:
        """Answer a GraphQL query."""
        key, body = await self._read(request)
        origin = (self.settings.public_url or str(request.url.origin())).rstrip("/")
        return await self.run(self._answer_graphql, request, key, body, origin)

    async def _read(self, request: web.Request) -> tuple[str, bytes]:
        """Return the key and the body of a request. Raises WrongKey, before a large or late one."""
        key, content = read_key(request), request.content
        if (request.content_length or MAX_BODY) <= _SMALL_BODY and not content.is_eof():
            with suppress(TimeoutError):
                async with asyncio.timeout(_ARRIVAL_TIMEOUT):
                    await content.wait_eof()
        if not content.is_eof():
            await self.run(self._check_key, key)
        return key, await read_body(request)

    def _check_key(self, key: str) -> None:
        with self.store.reading() as reader:
            find_token(reader, key)

    def _answer_graphql(
        self, request: web.Request, key: str, body: bytes, origin: str
    ) -> web.Response:
        """Answer a query, in one transaction. Raises WrongKey, InvalidInput."""
        text = body.decode("utf-8", "replace")
        asked = Arguments({"body": parse(text, "the request")}).object("body")
        document = read_document(asked.text("query"))
        operation = document.operation(asked.optional_text("operationName"))
        request[_OPERATION] = operation.name.value if operation.name else ""
        changes = is_mutation(operation)
        try:
            with self._changing() if changes else self.store.reading() as reader:
                token = self._authorize(request, reader, key)
                context = Context(reader, token, self.settings, origin, self.files)
                data = execute(context, document, operation, asked.object("variables"))
        except WrongKey:
            raise
        except FiretowerError as error:
            return _refusal(error, bad=200)
        return _reply(200, {"data": data})

    def _changing(self) -> AbstractContextManager[Change]:
        """Begin a change. Raises InvalidInput where none is allowed, which the SDK tries once."""
        try:
            self.store.database.refuse_read_only()
        except StoreError as error:
            raise InvalidInput(error.message, error.hint) from None
        return self.store.changing()

    def _authorize(self, request: web.Request, reader: Reader, key: str) -> Token:
        """Return the token of a key, who is the author of a change. Raises WrongKey, Forbidden."""
        token = find_token(reader, key)
        request[_USER] = token.user
        if isinstance(reader, Change):
            if token.read_only:
                raise Forbidden(token)
            reader.author = token.user
            if not is_use_recorded(reader, token):
                record_use(reader, token)
        return token

    async def file_stream(self, request: web.Request) -> web.Response:
        """Take the values of a running script."""
        parts = request.match_info
        path = "/".join(parts[name] for name in ("entity", "project", "run"))
        reference = RunReference.parse(path)
        key, body = await self._read(request)

        def answer() -> dict[str, Any]:
            with self._changing() as change:
                self._authorize(request, change, key)
                return receive(change, reference, body)

        return _reply(200, await self.run(answer))

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function that uses the database, in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)

    async def health(self, request: web.Request) -> web.Response:  # noqa: ARG002
        """Say whether the database answers."""

        def read() -> None:
            with self.store.reading():
                pass

        await self.run(read)
        return web.json_response({"status": "ok"})

    async def metrics(self, request: web.Request) -> web.Response:  # noqa: ARG002
        """Return the counts of answers, in Prometheus' text format."""
        lines = ["# TYPE firetower_server_requests_total counter"]
        for (route, status), count in sorted(self.traffic.answers.items()):
            labels = f'route="{route}",status="{status}"'
            lines.append(f"firetower_server_requests_total{{{labels}}} {count}")
        lines.append("# TYPE firetower_server_request_seconds_total counter")
        for route, seconds in sorted(self.traffic.seconds.items()):
            lines.append(f'firetower_server_request_seconds_total{{route="{route}"}} {seconds:.6f}')
        lines += [
            "# TYPE firetower_server_unknown_fields_total counter",
            f"firetower_server_unknown_fields_total {unknown_fields.total()}",
            "",
        ]
        return web.Response(text="\n".join(lines))

    @web.middleware
    async def _counted(self, request: web.Request, handler: "Handler") -> web.StreamResponse:
        """Answer errors in words, and keep count of what is answered."""
        began = time.perf_counter()
        self.idle.pop(request.protocol, None)
        try:
            response = await self._answered(request, handler)
        finally:
            if request.transport is not None:
                self.idle[request.protocol] = None
        seconds = time.perf_counter() - began
        resource = request.match_info.route.resource
        route = "other" if resource is None else resource.canonical
        self.traffic.answers[route, response.status] += 1
        self.traffic.seconds[route] += seconds  # type: ignore[assignment]
        if self._log is not None:
            self._log(
                {
                    "method": request.method,
                    "path": request.path,
                    "status": response.status,
                    "ms": round(seconds * 1000, 1),
                    "user": request.get(_USER, ""),
                    "operation": request.get(_OPERATION, ""),
                    "agent": request.headers.get("User-Agent", ""),
                }
            )
        return response

    async def _answered(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        key = request.headers.get("Authorization", "")
        if said := self._why_busy(key):
            return _reply(429, _errors(InvalidInput(said, "Wait for one.")))
        self.traffic.open[key] += 1
        try:
            return await handler(request)
        except web.HTTPException as error:
            text = error.text
            if error.status == 404 and request.match_info.http_exception is error:
                text = _instead_of_page(request.path)
            return web.Response(status=error.status, text=text)
        except (ConnectionError, web.RequestPayloadError):  # the client went away
            return web.Response(status=400)
        except FiretowerError as error:
            return _refusal(error, bad=400)
        except Exception as error:
            _defects.exception("%s %s", request.method, request.path)
            # The SDK asks a query again for minutes after a 500; a stream of values should be.
            status = 400 if request.path == "/graphql" else 500
            return _reply(status, _errors(Unforeseen(error)))
        finally:
            self.traffic.open[key] -= 1
            if not self.traffic.open[key]:
                del self.traffic.open[key]

    def _why_busy(self, key: str) -> str | None:
        if key and self.traffic.open[key] >= MAX_PER_TOKEN:
            return f"this key has {MAX_PER_TOKEN} requests at work"
        is_full = self.traffic.open.total() >= MAX_REQUESTS
        return f"{MAX_REQUESTS} requests are at work" if is_full else None

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()


def read_key(request: web.Request) -> str:
    """Return the API key of a request: the password of HTTP's Basic scheme. Raises WrongKey."""
    scheme, _, said = request.headers.get("Authorization", "").partition(" ")
    try:
        _, colon, key = base64.b64decode(said, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise WrongKey from None
    if scheme.lower() != "basic" or not colon or not key:
        raise WrongKey
    return key


def _instead_of_page(path: str) -> str:
    """Say what to do instead of opening a page of W&B, to which its SDK prints addresses."""
    match path.strip("/").split("/"):
        case ["authorize"]:
            command = "firetower token create USER"
        case [entity, project, "runs", run]:
            command = f"firetower run show {shell_word(f'{entity}/{project}/{run}')}"
        case [entity, project]:
            command = f"firetower run list {shell_word(f'{entity}/{project}')}"
        case _:
            command = "firetower"
    return f"Firetower has no web pages. In a terminal:\n\n    {command}\n"


def _reply(status: int, data: object) -> web.Response:
    return web.Response(status=status, text=dump(data), content_type="application/json")


def _refusal(error: FiretowerError, bad: int) -> web.Response:
    """Answer an error, a `bad` status for most: the SDK tries again for those from 500 on."""
    statuses = ((WrongKey, 401), (HttpNotFound, 404), (Conflict, 409), (StoreError, 503))
    status = next((status for kind, status in statuses if isinstance(error, kind)), bad)
    return _reply(status, _errors(error))


def _errors(error: FiretowerError) -> dict[str, object]:
    return {"errors": [{"message": f"{error.message}\n{error.hint}"}], "data": None}
