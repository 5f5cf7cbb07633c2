"""The filter of an automation, read from W&B's JSON."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Self

from pydantic import JsonValue, model_validator

from firetower.core.errors import InvalidInput
from firetower.core.events import Event, EventType
from firetower.core.filters.fields import Getters, check_carried, getter
from firetower.core.filters.nodes import Combination, Node, Not, Predicate, Trace, predicates
from firetower.core.filters.operators import OPERATORS
from firetower.core.json import clean, parse
from firetower.core.references import Frozen
from firetower.core.text import quoted, shortened, suggest

MAX_NESTING = 32

_COMBINATIONS = ("$and", "$or", "$nor", "$not")


def parse_node(source: JsonValue, depth: int = 0, get: Getters = getter) -> Node:
    """Read an object of conditions; `get` finds a field's value. Raises InvalidInput."""
    if depth > MAX_NESTING:
        raise InvalidInput(
            f"the filter is nested deeper than {MAX_NESTING} levels", "Write it with fewer levels."
        )
    if not isinstance(source, dict):
        raise InvalidInput(
            f"a filter's condition is an object, not {shortened(quoted(source), 60)}",
            'Write it as {"alias": {"$eq": "prod"}}.',
        )
    return _joined(_entry(key, operand, depth, get) for key, operand in source.items())


def _entry(key: str, operand: JsonValue, depth: int, get: Getters) -> Node:
    match key:
        case "$and":
            return _joined(_nodes(key, operand, depth, get))
        case "$or":
            parts = _nodes(key, operand, depth, get)
            return parts[0] if len(parts) == 1 else Combination(parts, every=False)
        case "$nor":
            return Not(Combination(_nodes(key, operand, depth, get), every=False))
        case "$not":
            return Not(parse_node(operand, depth + 1, get))
    if key.startswith("$"):
        raise _unknown_operator(key)
    return _conditions(key, operand, depth, get)


def _nodes(key: str, operand: JsonValue, depth: int, get: Getters) -> tuple[Node, ...]:
    if not isinstance(operand, list):
        raise InvalidInput(
            f"{key} takes a list of conditions, not {shortened(quoted(operand), 60)}",
            f'Write it as {{"{key}": [{{…}}, {{…}}]}}.',
        )
    return tuple(parse_node(part, depth + 1, get) for part in operand)


def _conditions(field: str, operand: JsonValue, depth: int, get: Getters) -> Node:
    """Read the conditions on a field: operators, or a bare value that means `$eq`."""
    is_operators = isinstance(operand, dict) and any(key.startswith("$") for key in operand)
    if not isinstance(operand, dict) or not is_operators:
        return Predicate(field, "$eq", operand, get)
    return _joined(_condition(field, name, value, depth, get) for name, value in operand.items())


def _condition(field: str, name: str, operand: JsonValue, depth: int, get: Getters) -> Node:
    if name == "$not":
        if depth > MAX_NESTING:
            return parse_node(operand, depth, get)
        return Not(_conditions(field, operand, depth + 1, get))
    if name not in OPERATORS:
        raise _unknown_operator(name)
    return Predicate(field, name, operand, get)


def _joined(nodes: Iterable[Node]) -> Node:
    parts = tuple(nodes)
    return parts[0] if len(parts) == 1 else Combination(parts, every=True)


def _unknown_operator(name: str) -> InvalidInput:
    known = (*_COMBINATIONS, *OPERATORS)
    return InvalidInput(
        f"a filter has no operator {quoted(shortened(name, 40))}",
        suggest(name, known, f"Operators: {' '.join(known)}."),
    )


class Filter(Frozen):
    """A condition on an event, kept as the JSON it was given in.

    Raises InvalidInput when made from JSON that is not a filter.
    """

    source: dict[str, JsonValue]

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        _ = self.root
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a filter's JSON text, wrapped as W&B writes it or not. Raises InvalidInput."""
        return cls.of(parse(text, "the filter"))

    @classmethod
    def of(cls, value: object) -> Self:
        """Read a filter from JSON data. Raises InvalidInput."""
        source = clean(value, "the filter")
        parse_node(source)
        return cls.model_validate({"source": source})

    @cached_property
    def root(self) -> Node:
        """The filter as a tree of conditions."""
        return parse_node(self.source)

    def holds(self, event: Event) -> bool:
        """Return whether the event satisfies the filter."""
        return self.root.holds(event)

    def trace(self, event: Event) -> Trace:
        """Test every condition and return what was found."""
        return self.root.trace(event)

    @property
    def words(self) -> str:
        """The filter in words: "alias ~ ^prod"; "any" where it lets everything through."""
        return self.root.words()

    def check_event_type(self, type_: EventType) -> None:
        """Refuse fields that events of a type never have. Raises InvalidInput."""
        for predicate, negated in predicates(self.root):
            asks_for_absence = predicate.operator == "$exists" and predicate.operand is negated
            if not asks_for_absence:
                check_carried(predicate.field, type_)

    def as_wandb(self) -> dict[str, JsonValue]:
        """Return the filter wrapped in `$or` and `$and`, as W&B stores it."""
        match self.source:
            case {"$or": [{"$and": [*_]}]} if len(self.source) == 1:
                return self.source
        return {"$or": [{"$and": [self.source] if self.source else []}]}


ANY = Filter.model_construct(source={"$or": [{"$and": []}]})
"""The filter that lets every event through; not validated, for that takes 6 ms of every start."""


def regex_filter(
    alias: str | None, tag: str | None, other: Filter | None, *, run_name: str | None = None
) -> Filter:
    """Return one filter for `--alias-regex`, `--tag-regex`, `--run-name` and `--filter`."""
    parts: list[Any] = [
        {field: {"$regex": regex}}
        for field, regex in (("alias", alias), ("tag", tag), ("run_name", run_name))
        if regex is not None
    ]
    if other is not None and not parts:
        return other
    if other is not None:
        parts.append(other.source)
    return Filter.of({"$or": [{"$and": parts}]})
