"""The filter of an automation."""

from functools import cached_property
from typing import Any, Self

from pydantic import JsonValue, model_validator

from firetower.core.events import Event, EventType
from firetower.core.filters.fields import check_carried
from firetower.core.filters.nodes import Node, Trace, predicates
from firetower.core.filters.parse import parse_node
from firetower.core.json import clean, parse
from firetower.core.references import Frozen


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
