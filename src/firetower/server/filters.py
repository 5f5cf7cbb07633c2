"""W&B's JSON of a filter on artifact events, both ways."""

from typing import Any

from pydantic import JsonValue

from firetower.core.filters import Filter, Node, Predicate
from firetower.core.filters.nodes import Combination, Not
from firetower.core.json import dump, parse


def read_filter(text: str) -> Filter:
    """Read the `eventFilter` of an artifact event. Raises InvalidInput.

    Answers wrap the filter once more, in a text under "filter": that form is read too, so that
    what was read can be written back.
    """
    source = parse(text, "the filter")
    match source:
        case {"filter": str(inner)}:
            return Filter.parse(inner)
    return Filter.of(source)


def write_filter(filter_: Filter) -> str:
    """Return the `filter` of a saved artifact event, wrapped as W&B's SDK reads it."""
    return dump({"filter": dump({"$or": [{"$and": conditions(filter_)}]})})


def conditions(filter_: Filter) -> list[JsonValue]:
    """Return the conditions that must all hold, each in its longest form."""
    match written := plain_filter(filter_):
        case {"$and": [*parts]}:
            return parts
    return [written]


def plain_filter(filter_: Filter) -> dict[str, Any]:
    """Return a filter in its longest form: each condition is one field with one operator.

    Two filters of one form mean the same, and W&B's classes read that form and return it as it is.
    """
    return _plain(filter_.root)


def _plain(node: Node) -> dict[str, Any]:
    match node:
        case Predicate():
            return {node.field: {node.operator: node.operand}}
        case Not():
            return {"$not": _plain(node.part)}
        case Combination(parts=(part,)):
            return _plain(part)
        case Combination():
            return {"$and" if node.every else "$or": [_plain(part) for part in node.parts]}
