"""GraphQL: read a query, and project its selection over nodes.

There is no schema: a field that nobody resolves is null and counted, so that a newer SDK, which
asks for more, gets what there is.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    ValueNode,
    parse,
    value_from_ast_untyped,
)
from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.text import quoted, shortened
from firetower.server.fields import Arguments, Context, Node
from firetower.server.resolvers import ABSENT, FIELDS, MUTATIONS, QUERIES, REFUSED, Root

MAX_CHARACTERS = 100_000
"""Of a query's text, without its variables."""
MAX_TOKENS = 10_000
MAX_LEVELS = 40
"""Of nested selections, fragments included."""
MAX_VALUES = 500_000
"""Fields of one answer."""
_MAX_UNKNOWN = 1_000
"""Names of fields that are counted; names beyond are not."""
_ABSTRACT = frozenset({"ArtifactCollection", "Node", "TriggerScope", "Integration"})
"""Types that stand for several: their fragments fit each node below them."""

unknown_fields: Counter[str] = Counter()
"""How often each field was asked for that nobody resolves, as `Type.field`."""


@dataclass(frozen=True, slots=True)
class Document:
    """A query that was read."""

    operations: Mapping[str, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Return the operation of a name, or the only one. Raises InvalidInput."""
        if name is not None and name in self.operations:
            return self.operations[name]
        if name or len(self.operations) != 1:
            raise InvalidInput(
                f"the query has no operation {quoted(shortened(name or '', 60))}",
                "Name one of its operations in operationName.",
            )
        return next(iter(self.operations.values()))


@lru_cache(maxsize=256)
def read_document(text: str) -> Document:
    """Read a query. Raises InvalidInput for one that is malformed or too large."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(
            f"the query has {len(text):,} characters", f"Send at most {MAX_CHARACTERS:,}."
        )
    try:
        document = parse(text, no_location=True, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        said = shortened(error.message, 120)
        raise InvalidInput(f"the query is not GraphQL: {said}", "Correct it there.") from None
    except RecursionError:
        raise _too_deep() from None
    operations, fragments = {}, {}
    for definition in document.definitions:
        match definition:
            case OperationDefinitionNode():
                operations[definition.name.value if definition.name else ""] = definition
            case FragmentDefinitionNode():
                fragments[definition.name.value] = definition
    return Document(operations, fragments)


def is_mutation(operation: OperationDefinitionNode) -> bool:
    """Return whether an operation changes something. Raises InvalidInput for a subscription."""
    if operation.operation is OperationType.SUBSCRIPTION:
        raise InvalidInput("there are no subscriptions", "Send a query or a mutation.")
    return operation.operation is OperationType.MUTATION


def execute(
    context: Context,
    document: Document,
    operation: OperationDefinitionNode,
    given: Mapping[str, JsonValue],
) -> dict[str, JsonValue]:
    """Return the answer to an operation. Raises FiretowerError for the first refusal."""
    variables: dict[str, JsonValue] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in given:
            variables[name] = given[name]
        elif definition.default_value is not None:
            variables[name] = _value(definition.default_value, {})
    root = Node("Mutation" if is_mutation(operation) else "Query")
    projection = _Projection(context, document, variables)
    return projection.project(root, [operation.selection_set], 1)


@dataclass(slots=True)
class _Projection:
    """One operation at work."""

    context: Context
    document: Document
    variables: Mapping[str, JsonValue]
    values: int = field(default=0, init=False)

    def project(
        self, node: Node | Mapping[str, Any], selections: list[SelectionSetNode], level: int
    ) -> dict[str, JsonValue]:
        """Return the selected fields of an object."""
        type_ = node.type if isinstance(node, Node) else node.get("__typename")
        asked: dict[str, list[FieldNode]] = {}
        for selection in selections:
            self._collect(selection, type_, asked, level)
        found = {}
        for key, fields in asked.items():
            value = self._resolve(node, type_, fields[0])
            below = [one.selection_set for one in fields if one.selection_set is not None]
            found[key] = self._project_value(value, below, level + 1)
        return found

    def _project_value(
        self,
        value: Any,  # noqa: ANN401
        selections: list[SelectionSetNode],
        level: int,
    ) -> JsonValue:
        match value:
            case Node() | Mapping() if selections:
                return self.project(value, selections, level)
            case Node():
                return None
            case Mapping():  # JSON, of which no fields are selected
                return {key: self._project_value(one, [], level) for key, one in value.items()}
            case list() | tuple():
                return [self._project_value(one, selections, level) for one in value]
        plain: JsonValue = value
        return plain

    def _resolve(
        self, node: Node | Mapping[str, Any], type_: str | None, asked: FieldNode
    ) -> object:
        name = asked.name.value
        if name == "__typename":
            return type_
        values = node.values if isinstance(node, Node) else node
        if name in values:
            return values[name]
        given = Arguments(
            {one.name.value: _value(one.value, self.variables) for one in asked.arguments or ()}
        )
        if type_ == "Mutation":
            return _mutation(name)(self.context, given.object("input"))
        if type_ == "Query" and name in QUERIES:
            return QUERIES[name](self.context, given)
        if isinstance(node, Node) and (resolver := FIELDS.get(node.type, {}).get(name)):
            return resolver(self.context, node.source, given)
        key = f"{type_ or 'object'}.{name}"
        is_counted = key in unknown_fields or len(unknown_fields) < _MAX_UNKNOWN
        if name not in ABSENT and is_counted:
            unknown_fields[shortened(key, 120)] += 1
        return None

    def _collect(
        self,
        selection_set: SelectionSetNode,
        type_: str | None,
        asked: dict[str, list[FieldNode]],
        level: int,
    ) -> None:
        """Add the fields that a selection and its fragments ask an object of a type for."""
        self.values += len(selection_set.selections)  # bounds fragments of fragments, too
        if self.values > MAX_VALUES:
            raise InvalidInput(
                f"the query asks for more than {MAX_VALUES:,} values", "Ask for smaller pages."
            )
        if level > MAX_LEVELS:
            raise _too_deep()
        for one in selection_set.selections:
            if not self._is_included(one.directives or ()):
                continue
            if isinstance(one, FieldNode):
                key = one.alias.value if one.alias else one.name.value
                asked.setdefault(key, []).append(one)
                continue
            part = self._fragment(one.name.value) if isinstance(one, FragmentSpreadNode) else one
            assert isinstance(part, InlineFragmentNode | FragmentDefinitionNode)
            condition = part.type_condition and part.type_condition.name.value
            if type_ is None or condition in {None, type_} or condition in _ABSTRACT:
                self._collect(part.selection_set, type_, asked, level + 1)

    def _fragment(self, name: str) -> FragmentDefinitionNode:
        found = self.document.fragments.get(name)
        if found is None:
            raise InvalidInput(
                f"the query has no fragment {quoted(shortened(name, 60))}",
                "Send it with the query.",
            )
        return found

    def _is_included(self, directives: Iterable[DirectiveNode]) -> bool:
        for directive in directives:
            name = directive.name.value
            for argument in directive.arguments or ():
                held = bool(_value(argument.value, self.variables))
                if (name == "include" and not held) or (name == "skip" and held):
                    return False
        return True


def _mutation(name: str) -> Root:
    """Return a mutation's function. Raises InvalidInput: null would crash the SDK."""
    if name in REFUSED:
        raise InvalidInput(*REFUSED[name])
    if name not in MUTATIONS:
        raise InvalidInput(
            f"this server does not know {shortened(name, 60)}",
            "W&B's feature is not part of Firetower, or the SDK is newer than the server.",
        )
    return MUTATIONS[name]


def _value(node: ValueNode, variables: Mapping[str, JsonValue]) -> JsonValue:
    """Return a value as it is written in a query, null for a variable without one."""
    return _checked(value_from_ast_untyped(node, dict(variables)))


def _checked(value: Any) -> JsonValue:  # noqa: ANN401 - as the query has it
    match value:
        case dict():
            return {key: _checked(one) for key, one in value.items()}
        case list():
            return [_checked(one) for one in value]
        case float() if not math.isfinite(value):
            raise InvalidInput("a number is out of range", "Give a smaller one.")
    return None if value is Undefined else cast("JsonValue", value)


def _too_deep() -> InvalidInput:
    return InvalidInput(
        f"the query is nested deeper than {MAX_LEVELS} levels", "Ask for less in one query."
    )
