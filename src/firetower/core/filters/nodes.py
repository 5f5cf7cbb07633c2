"""A filter as a tree of conditions, and what each found when it was tested."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import JsonValue

from firetower.core.events import Event
from firetower.core.filters.fields import MISSING, Getters, Value, getter, in_one_spelling
from firetower.core.filters.operators import OPERATORS
from firetower.core.text import quoted, visible


@dataclass(frozen=True, slots=True)
class Trace:
    """One condition of a filter as it was tested on one event."""

    expected: str
    """The condition in words: "alias ~ ^prod"."""
    held: bool
    actual: Value = MISSING
    """The event's value, for a predicate; `missing` where the event has none."""
    combination: Literal["all of", "any of", "not"] | None = None
    """How the parts combine; None for a predicate."""
    parts: tuple["Trace", ...] = ()

    def first_failure(self) -> "Trace | None":
        """Return the first condition that stopped the filter, or None if it held."""
        if self.held:
            return None
        if self.combination == "all of":
            failed = (part.first_failure() for part in self.parts)
            return next((part for part in failed if part is not None), self)
        return self

    def as_data(self) -> dict[str, Any]:
        """Return the trace as JSON-ready data."""
        data: dict[str, Any] = {"expected": self.expected, "held": self.held}
        if self.combination is None:
            data["missing"] = self.actual is MISSING
            data["actual"] = None if self.actual is MISSING else self.actual
        else:
            data["parts"] = [part.as_data() for part in self.parts]
        return data


class Predicate:
    """One field, one operator, one operand."""

    __slots__ = ("field", "get", "operand", "operator", "test")

    def __init__(
        self, field: str, operator: str, operand: JsonValue, get: Getters = getter
    ) -> None:
        self.field = field
        self.operator = operator
        self.operand = in_one_spelling(operand)
        self.get = get(field)
        self.test = OPERATORS[operator].build(self.operand)

    def holds(self, event: Event) -> bool:
        """Return whether the condition holds."""
        return self.test(self.get(event))

    def trace(self, event: Event) -> Trace:
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


@dataclass(frozen=True, slots=True)
class Combination:
    """A condition of several parts."""

    parts: tuple["Node", ...]
    every: bool
    """Whether all parts must hold, or any one of them; of no parts all hold, and not one."""

    def holds(self, event: Event) -> bool:
        """Return whether the condition holds."""
        each = (part.holds(event) for part in self.parts)
        return all(each) if self.every else any(each)

    def trace(self, event: Event) -> Trace:
        """Test every part and return what was found."""
        parts = tuple(part.trace(event) for part in self.parts)
        each = (part.held for part in parts)
        if self.every:
            return Trace(self.words(), held=all(each), combination="all of", parts=parts)
        return Trace(self.words(), held=any(each), combination="any of", parts=parts)

    def words(self) -> str:
        """Return the condition in words."""
        word, of_none = (" and ", "any") if self.every else (" or ", "never")
        return word.join(map(_grouped, self.parts)) or of_none


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Node"

    def holds(self, event: Event) -> bool:
        """Return whether the condition holds."""
        return not self.part.holds(event)

    def trace(self, event: Event) -> Trace:
        """Test the part and return what was found."""
        part = self.part.trace(event)
        if part.combination is None:
            return Trace(self.words(), held=not part.held, actual=part.actual)
        return Trace(self.words(), held=not part.held, combination="not", parts=(part,))

    def words(self) -> str:
        """Return the condition in words."""
        return f"not ({self.part.words()})"


Node: TypeAlias = Predicate | Combination | Not
"""A condition on an event."""


def predicates(node: Node, *, negated: bool = False) -> Iterator[tuple[Predicate, bool]]:
    """Yield every predicate that a condition is made of, and whether it is negated."""
    match node:
        case Predicate():
            yield node, negated
        case Not():
            yield from predicates(node.part, negated=not negated)
        case Combination():
            for part in node.parts:
                yield from predicates(part, negated=negated)


def _grouped(part: Node) -> str:
    several = isinstance(part, Combination) and len(part.parts) > 1
    return f"({part.words()})" if several else part.words()
