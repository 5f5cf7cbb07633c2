"""Building blocks of GraphQL fields: nodes, arguments, ids, lists with filters and pages."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import JsonValue

from firetower.core.arguments import check_storable
from firetower.core.errors import InvalidInput, NotFound
from firetower.core.filters.fields import MISSING, Value, dig
from firetower.core.filters.filter import parse_node
from firetower.core.json import parse
from firetower.core.text import instant, quoted, shortened
from firetower.store.changes import Change, Reader
from firetower.store.columns import MAX_INTEGER

if TYPE_CHECKING:
    from firetower.server.files import FileStore
    from firetower.server.settings import ServerSettings
    from firetower.store.tokens import Token

T = TypeVar("T")
Answer = dict[str, Any]
"""An object of an answer, by its fields; some are nodes, or further objects."""
Facts = Mapping[str, Value]
"""What can be asked of an item of a list, by the names of fields."""
MAX_PAGE = 1_000
"""Items of one page of a connection; W&B's SDK asks for 50, for aliases for 1,000."""


class HttpNotFound(NotFound):
    """Nothing has that name, said with HTTP status 404, on which W&B's SDK decides something."""


@dataclass(slots=True)
class Context:
    """One GraphQL request: its transaction, who asks, and how the server was reached."""

    reader: Reader
    token: "Token"
    settings: "ServerSettings"
    origin: str
    """How the client reached this server: scheme, host and port."""
    files: "FileStore | None" = None
    """Where the files of artifacts are kept."""
    cache: dict[Any, Any] = field(default_factory=dict)
    """What resolvers have read, for others of this request."""

    @property
    def change(self) -> Change:
        """The transaction of a mutation."""
        assert isinstance(self.reader, Change)
        return self.reader

    def cached(self, key: object, read: Callable[[], T]) -> T:
        """Return a value that is read once a request, under a key."""
        if key not in self.cache:
            self.cache[key] = read()
        found: T = self.cache[key]
        return found

    def url(self, path: str) -> str:
        """Return a path of this server as an address that needs no API key for a day."""
        return self.origin + self.settings.sign(path)


@dataclass(frozen=True, slots=True)
class Node:
    """An object of a type: fields not in `values` are resolved from `source` by its type.

    A resolver returns None, a number, a text, a Node, a mapping whose keys are the fields of
    an object (`__typename` among them where an abstract type is asked for), or a list of these.
    """

    type: str
    source: Any = None
    values: Mapping[str, object] = field(default_factory=dict)


class Arguments(dict[str, JsonValue]):
    """A field's arguments, or an input object. Its methods raise InvalidInput for a wrong type."""

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None where it is missing or null."""
        found = self._of_type(name, str, "text")
        return None if found is None else check_storable(found, name)

    def text(self, name: str) -> str:
        """Return a text that must be there."""
        found = self.optional_text(name)
        if found is None:
            raise InvalidInput(f"{name} is missing", "Give it as text.")
        return found

    def optional_number(self, name: str) -> int | None:
        """Return a whole number, or None where it is missing or null."""
        found = self._of_type(name, int, "a whole number")
        if found is not None and (isinstance(found, bool) or abs(found) > MAX_INTEGER):
            raise _wrong(name, found, "a whole number of 64 bits")
        return found

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        found = self._of_type(name, bool, "true or false")
        return default if found is None else found

    def sequence(self, name: str) -> Sequence[JsonValue]:
        """Return a list; an empty one where it is missing or null. One value is a list of one."""
        found = self.get(name)
        if found is None:
            return []
        return found if isinstance(found, list) else [found]

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; an empty one where it is missing or null."""
        found = self.sequence(name)
        return [Arguments({name: one}).text(name) for one in found]

    def objects(self, name: str) -> "Sequence[Arguments]":
        """Return a list of input objects; an empty one where it is missing or null."""
        return [Arguments({name: one}).object(name) for one in self.sequence(name)]

    def object(self, name: str) -> "Arguments":
        """Return an input object; an empty one where it is missing or null."""
        return Arguments(self._of_type(name, dict, "an object") or {})

    def json_object(self, name: str) -> dict[str, JsonValue] | None:
        """Return an object that is given as JSON in a text, or None where it is missing or null."""
        text = self.optional_text(name)
        found = None if text is None else parse(text, name)
        if found is not None and not isinstance(found, dict):
            raise _wrong(name, found, "a JSON object")
        return found

    def _of_type(self, name: str, type_: type[T], said: str) -> T | None:
        found = self.get(name)
        if found is not None and not isinstance(found, type_):
            raise _wrong(name, found, said)
        return found


def _wrong(name: str, found: object, said: str) -> InvalidInput:
    return InvalidInput(f"{name} is {shortened(quoted(found), 60)}", f"Give {said}.")


def make_id(type_: str, key: object) -> str:
    """Return the opaque id of a thing: base64 of its type and key."""
    return base64.b64encode(f"{type_}:{key}".encode()).decode("ascii")


def read_id(text: str, *types: str) -> str:
    """Return the key in an id of one of some types. Raises InvalidInput."""
    try:
        type_, _, key = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        type_, key = "", ""
    if type_ not in types or not key:
        raise InvalidInput(
            f"{quoted(shortened(text, 60))} is not the id of a {' or '.join(types)}",
            "Give an id that this server has answered with.",
        )
    return key


def read_number_id(text: str, *types: str) -> int:
    """Return the row's number in an id of one of some types. Raises InvalidInput."""
    key = read_id(text, *types)
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise InvalidInput(
            f"{quoted(shortened(text, 60))} is not an id", "Give one that this server has made."
        )
    return int(key)


def moment(value: datetime | None) -> str | None:
    """Return a moment as W&B writes it: ISO 8601 in UTC with a Z."""
    return None if value is None else instant(value)


def connection(
    items: Sequence[Any], arguments: Arguments, edge: Callable[[Any], Mapping[str, object]]
) -> Answer:
    """Return a page of some items, from `after` on and at most `first`, as a connection.

    `edge` gives an item's edge: its node, and what else stands beside it. Raises InvalidInput.
    """
    start, count = page(arguments)
    shown = items[start : start + count]
    return connection_of(shown, start, len(items), edge)


def page(arguments: Arguments) -> tuple[int, int]:
    """Return where the page of a connection starts, and how many items it has at most."""
    first = arguments.optional_number("first")
    count = MAX_PAGE if first is None else max(0, min(first, MAX_PAGE))
    after = arguments.optional_text("after")
    return (read_number_id(after, "After") if after else 0), count


def connection_of(
    shown: Iterable[Any], start: int, total: int, edge: Callable[[Any], Mapping[str, object]]
) -> Answer:
    """Return items that are a page already as a connection."""
    edges = [
        {"cursor": make_id("After", number), **edge(item)}
        for number, item in enumerate(shown, start + 1)
    ]
    end = start + len(edges)
    info = {
        "__typename": "PageInfo",
        "endCursor": make_id("After", end) if edges else None,
        "hasNextPage": end < total,
    }
    return {"edges": edges, "pageInfo": info, "totalCount": total}


NO_ITEMS = connection_of((), 0, 0, lambda _: {})
"""An empty page."""


def nodes(
    items: Sequence[Any], arguments: Arguments, node: Callable[[Any], object] = lambda item: item
) -> Answer:
    """Return a page of items as a connection; `node` gives each one's, where they are none."""
    return connection(items, arguments, lambda item: {"node": node(item)})


def select(
    items: Iterable[T],
    facts: Callable[[T], Facts],
    arguments: Arguments,
    filters: str = "filters",
    order: str = "order",
) -> list[T]:
    """Return the items that a field's filters let through, in its order. Raises InvalidInput.

    Both are as W&B's SDK writes them: Mongo's JSON, `name` or `-created_at`.
    """
    kept = list(items)
    read: Callable[[T], Any] = facts  # a filter reads any object, by `get`
    text = arguments.optional_text(filters)
    condition = parse(text, filters) if text else None
    if condition is not None:
        node = parse_node(condition, get=lambda field: partial(_value, field))
        kept = [item for item in kept if node.holds(read(item))]
    if said := arguments.optional_text(order):
        field, _, direction = said.lstrip("+-").partition(" ")
        down = said.startswith("-") or direction.lower() == "desc"
        kept.sort(key=lambda item: _rank(_value(field, facts(item))), reverse=down)
    return kept


def _value(field: str, facts: Facts) -> Value:
    """Return a field, whose name may be written in either of W&B's styles."""
    root, _, path = field.partition(".")
    snake = "".join(f"_{one.lower()}" if one.isupper() else one for one in root)
    for name in (root, snake):
        if name in facts:
            found = dig(facts[name], path.split(".")) if path else facts[name]
            if found is MISSING and path.endswith(".value"):  # W&B's config has one in each key
                found = dig(facts[name], path.split(".")[:-1])
            return found
    raise InvalidInput(
        f"{quoted(shortened(field, 60))} cannot be asked for here",
        f"Fields: {', '.join(facts)}.",
    )


def _rank(value: Value) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 1, value, ""
    return (2, 0, value) if isinstance(value, str) else (0, 0, "")
