"""Events as W&B names them, with their filters and, for runs, conditions."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from firetower.core.automations import Definition
from firetower.core.errors import InvalidInput
from firetower.core.events import EventType
from firetower.core.filters import Filter, Node, Predicate
from firetower.core.filters.nodes import Combination, Not
from firetower.core.json import canonical, dump, parse
from firetower.core.metrics import (
    AnyMetricCondition,
    ChangeCondition,
    Comparison,
    Condition,
    ThresholdCondition,
    ZScoreCondition,
)
from firetower.core.runs import StateCondition
from firetower.core.text import first_refusal, quoted, shortened
from firetower.server.fields import Arguments

_WANDB_NAMES: Mapping[EventType, str] = {
    EventType.LINK_ARTIFACT: "LINK_MODEL",
    # W&B has no event for a removed alias, and its SDK refuses a list that has one. This is an old
    # name that its SDK reads and never writes.
    EventType.REMOVE_ARTIFACT_ALIAS: "UPDATE_ARTIFACT_ALIAS",
}


def read_event(given: Arguments, before: Definition | None) -> dict[str, Any]:
    """Return the event, filter and condition of a definition, read from an input.

    What an update leaves out is as it was `before`, and what means the same stays as it was
    written. Raises InvalidInput.
    """
    if before is None:
        type_ = EventType.parse(given.text("triggeringEventType"))
        filter_, condition = _read(type_, given.text("eventFilter"))
        return {"event_type": type_, "filter": filter_, "condition": condition}
    said = given.optional_text("triggeringEventType")
    type_ = before.event_type if said in {None, _name(before.event_type)} else EventType.parse(said)
    filter_, condition = _read(type_, given.optional_text("eventFilter") or _write(before))
    if canonical(plain_filter(filter_)) == canonical(plain_filter(before.filter)):
        filter_ = before.filter
    if is_same(condition, before.condition):
        condition = before.condition
    return {"event_type": type_, "filter": filter_, "condition": condition}


def write_event(definition: Definition) -> dict[str, object]:
    """Return the event, filter and condition of a definition as W&B's API does."""
    return {
        "__typename": "FilterEventTriggeringCondition",
        "eventType": _name(definition.event_type),
        "filter": _write(definition),
    }


def _name(type_: EventType) -> str:
    """Return W&B's name of an event type."""
    return _WANDB_NAMES.get(type_, type_.value)


def _read(type_: EventType, text: str) -> tuple[Filter, Condition | None]:
    """Read an `eventFilter`. Raises InvalidInput."""
    source = parse(text, "the filter")
    if "run" in type_.spec.carries:
        return _read_run_event(type_, _object(source, "the filter"))
    match source:
        case {"filter": str(inner)}:  # as an answer wraps it: what was read can be written back
            return Filter.parse(inner), None
    return Filter.of(source), None


def _write(definition: Definition) -> str:
    """Return the `filter` of a saved event, wrapped as W&B's SDK reads it."""
    condition = definition.condition
    if condition is None:
        return dump({"filter": dump({"$or": [{"$and": _conditions(definition.filter)}]})})
    runs = {"run_filter": dump({"$and": _conditions(definition.filter, _wandb_name)})}
    if isinstance(condition, StateCondition):
        states = [state.value.upper() for state in condition.states]
        return dump({**runs, "run_state_filter": {"states": states}})
    kind, _, names = _METRICS[definition.event_type]
    given = condition.model_dump(mode="json")
    fields = {name: given[_OWN_NAMES[name]] for name in names.split()}
    return dump({**runs, "run_metric_filter": {kind: fields}})


def _conditions(filter_: Filter, rename: Callable[[str], str] = str) -> list[JsonValue]:
    """Return the conditions that must all hold, in their longest form, their fields renamed."""
    match written := _plain(filter_.root, rename):
        case {"$and": [*parts]}:
            return parts
    return [written]


def plain_filter(filter_: Filter) -> dict[str, Any]:
    """Return a filter in its longest form: each condition is one field with one operator.

    Two filters of one form mean the same, and W&B's classes read that form and return it as it is.
    """
    return _plain(filter_.root)


def _plain(node: Node, rename: Callable[[str], str] = str) -> dict[str, Any]:
    match node:
        case Predicate():
            return {rename(node.field): {node.operator: node.operand}}
        case Not():
            return {"$not": _plain(node.part, rename)}
        case Combination(parts=(part,)):
            return _plain(part, rename)
        case Combination():
            parts = [_plain(part, rename) for part in node.parts]
            return {"$and" if node.every else "$or": parts}


_NAME, _WANDB_NAME = "run_name", "display_name"
_CONFIG, _VALUE = "config.", ".value"
"""W&B keeps a value of the configuration under `config.KEY.value`."""
_OWN_NAMES: Mapping[str, str] = {
    "name": "metric",
    "agg_op": "aggregate",
    "window_size": "window",
    "current_window_size": "window",
    "prior_window_size": "prior_window",
    "cmp_op": "comparison",
    "threshold": "threshold",
    "change_type": "change_type",
    "change_dir": "direction",
    "change_amount": "amount",
}
"""Of the fields of conditions, by W&B's names."""
_METRICS: Mapping[EventType, tuple[str, TypeAdapter[AnyMetricCondition], str]] = {
    EventType.RUN_METRIC: (
        "threshold_filter",
        TypeAdapter(ThresholdCondition),
        "name agg_op window_size cmp_op threshold",
    ),
    EventType.RUN_METRIC_CHANGE: (
        "change_filter",
        TypeAdapter(ChangeCondition),
        "name agg_op current_window_size prior_window_size change_type change_dir change_amount",
    ),
    EventType.RUN_METRIC_ZSCORE: (
        "zscore_filter",
        TypeAdapter(ZScoreCondition),
        "name window_size threshold change_dir",
    ),
}
"""By event: the key of its filter, its condition, and W&B's names of the condition's fields."""


def _read_run_event(type_: EventType, source: Mapping[str, JsonValue]) -> tuple[Filter, Condition]:
    given = Filter.of(_object(source.get("run_filter") or {}, "run_filter"))
    runs = Filter.of({"$or": [{"$and": _conditions(given, _own_name)}]})
    if type_ in _METRICS:
        return runs, _read_metric(type_, source)
    states = _object(source.get("run_state_filter"), "run_state_filter").get("states")
    names = states if isinstance(states, list) else [states]
    return runs, StateCondition.parse(",".join(map(str, names)))


def _read_metric(type_: EventType, source: Mapping[str, JsonValue]) -> AnyMetricCondition:
    kind, adapter, said = _METRICS[type_]
    names = {name: _OWN_NAMES[name] for name in said.split()}
    outer = _object(source.get("run_metric_filter", {}), "run_metric_filter")
    given = _object(outer.get(kind), kind)
    # What is null is left to the condition's own default, as W&B's SDK does.
    fields = {names.get(key, key): value for key, value in given.items() if value is not None}
    try:
        return adapter.validate_python(fields)
    except ValidationError as error:
        place, reason = first_refusal(error)
        field = next((wandb for wandb, own in names.items() if own == place), place)
        raise InvalidInput(
            f"{kind} cannot be read: {field}: {reason}",
            f"Its fields are {', '.join(names)}.",
        ) from None


def _own_name(field: str) -> str:
    if field.startswith(_CONFIG):
        return field.removesuffix(_VALUE)
    return _NAME if field == _WANDB_NAME else field


def _wandb_name(field: str) -> str:
    if field.startswith(_CONFIG):
        return f"{field}{_VALUE}"
    return _WANDB_NAME if field == _NAME else field


def _object(value: JsonValue, what: str) -> dict[str, JsonValue]:
    """Return an object, which may be written as text in JSON. Raises InvalidInput."""
    found = parse(value, what) if isinstance(value, str) else value
    if isinstance(found, dict):
        return found
    raise InvalidInput(
        f"{what} is {shortened(quoted(found), 60)}, not an object", "Write it as {...}."
    )


def is_readable(definition: Definition) -> bool:
    """Return whether W&B's SDK can read an automation: it knows no alerts, and orders only."""
    condition = definition.condition
    if isinstance(condition, ThresholdCondition):
        return condition.comparison not in {Comparison.EQ, Comparison.NE}
    return definition.event_type is not EventType.RUN_ALERT


def is_same(one: Condition | None, other: Condition | None) -> bool:
    """Return whether two conditions mean the same: the order of states does not count."""
    if isinstance(one, StateCondition) and isinstance(other, StateCondition):
        return set(one.states) == set(other.states)
    return one == other
