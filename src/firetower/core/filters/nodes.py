"""A filter as a tree of conditions."""

from collections.abc import Iterator
from typing import Protocol

from pydantic import JsonValue

from firetower.core.filters.fields import Testable, getter
from firetower.core.filters.operators import OPERATORS
from firetower.core.filters.trace import Trace
from firetower.core.text import quoted, visible


class Node(Protocol):
    """A condition on an event."""

    def holds(self, event: Testable) -> bool:
        """Return whether the condition holds."""

    def trace(self, event: Testable) -> Trace:
        """Test every part of the condition and return what was found."""

    def words(self) -> str:
        """Return the condition in words."""

    def fields(self, *, negated: bool = False) -> Iterator[str]:
        """Yield each field the condition asks for a value, not for its absence."""


class Predicate:
    """One field, one operator, one operand."""

    __slots__ = ("field", "get", "operand", "operator", "test")

    def __init__(self, field: str, operator: str, operand: JsonValue) -> None:
        self.field = field
        self.operator = operator
        self.operand = operand
        self.get = getter(field)
        self.test = OPERATORS[operator].build(operand)

    def holds(self, event: Testable) -> bool:
        """Return whether the condition holds."""
        return self.test(self.get(event))

    def trace(self, event: Testable) -> Trace:
        """Test the condition and return what was found."""
        actual = self.get(event)
        return Trace(self.words(), held=self.test(actual), actual=actual)

    def words(self) -> str:
        """Return the condition in words: "alias ~ ^prod"."""
        if self.operator == "$exists":
            return f"{visible(self.field)} {'exists' if self.operand else 'is missing'}"
        return f"{visible(self.field)} {OPERATORS[self.operator].sign} {self.operand_shown}"

    @property
    def operand_shown(self) -> str:
        """What the field is compared with: text as it is, where it can be read so, else JSON."""
        text = self.operand
        return text if isinstance(text, str) and text and text.isprintable() else quoted(text)

    def fields(self, *, negated: bool = False) -> Iterator[str]:
        """Yield the field, unless its absence is asked for."""
        if self.operator != "$exists" or self.operand is not negated:
            yield self.field


class All:
    """Every part holds; with no parts it always does."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Node) -> None:
        self.parts = parts

    def holds(self, event: Testable) -> bool:
        """Return whether the condition holds."""
        return all(part.holds(event) for part in self.parts)

    def trace(self, event: Testable) -> Trace:
        """Test every part and return what was found."""
        parts = tuple(part.trace(event) for part in self.parts)
        held = all(part.held for part in parts)
        return Trace(self.words(), held=held, combination="all of", parts=parts)

    def words(self) -> str:
        """Return the condition in words."""
        return " and ".join(map(_grouped, self.parts)) or "any"

    def fields(self, *, negated: bool = False) -> Iterator[str]:
        """Yield each field of each part."""
        for part in self.parts:
            yield from part.fields(negated=negated)


class AnyOf:
    """At least one part holds; with no parts it never does."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Node) -> None:
        self.parts = parts

    def holds(self, event: Testable) -> bool:
        """Return whether the condition holds."""
        return any(part.holds(event) for part in self.parts)

    def trace(self, event: Testable) -> Trace:
        """Test every part and return what was found."""
        parts = tuple(part.trace(event) for part in self.parts)
        held = any(part.held for part in parts)
        return Trace(self.words(), held=held, combination="any of", parts=parts)

    def words(self) -> str:
        """Return the condition in words."""
        return " or ".join(map(_grouped, self.parts)) or "never"

    def fields(self, *, negated: bool = False) -> Iterator[str]:
        """Yield each field of each part."""
        for part in self.parts:
            yield from part.fields(negated=negated)


class Not:
    """The part does not hold."""

    __slots__ = ("part",)

    def __init__(self, part: Node) -> None:
        self.part = part

    def holds(self, event: Testable) -> bool:
        """Return whether the condition holds."""
        return not self.part.holds(event)

    def trace(self, event: Testable) -> Trace:
        """Test the part and return what was found."""
        part = self.part.trace(event)
        if part.combination is None:
            return Trace(self.words(), held=not part.held, actual=part.actual)
        return Trace(self.words(), held=not part.held, combination="not", parts=(part,))

    def words(self) -> str:
        """Return the condition in words."""
        return f"not ({self.part.words()})"

    def fields(self, *, negated: bool = False) -> Iterator[str]:
        """Yield each field of the part."""
        yield from self.part.fields(negated=not negated)


def predicates(node: Node) -> Iterator[Predicate]:
    """Yield every predicate that a condition is made of."""
    match node:
        case Predicate():
            yield node
        case All() | AnyOf():
            for part in node.parts:
                yield from predicates(part)
        case Not():
            yield from predicates(node.part)


def _grouped(part: Node) -> str:
    several = isinstance(part, All | AnyOf) and len(part.parts) > 1
    return f"({part.words()})" if several else part.words()
