"""W&B's JSON of a run event: which runs, and what has to happen to them."""

from collections.abc import Mapping

from pydantic import JsonValue

from firetower.core.automations import Definition
from firetower.core.errors import InvalidInput
from firetower.core.filters import Filter
from firetower.core.json import dump, parse
from firetower.core.runs import StateCondition
from firetower.core.text import quoted, shortened
from firetower.server.filters import conditions

_WANDB_NAMES = {"run_name": "display_name"}
"""W&B's names of the fields of runs that Firetower names otherwise."""
_OWN_NAMES = {wandb: own for own, wandb in _WANDB_NAMES.items()}


def read_run_event(text: str) -> tuple[Filter, StateCondition]:
    """Read the `eventFilter` of a run event. Raises InvalidInput."""
    source = _object(parse(text, "the filter"), "the filter")
    runs = _renamed(_object(_inner(source.get("run_filter") or {}), "run_filter"), _OWN_NAMES)
    match runs:
        case {"$and": [*parts]} if len(runs) == 1:  # in the form of other filters
            runs = {"$or": [{"$and": parts}]}
    return Filter.of(runs), _read_states(source)


def _read_states(source: Mapping[str, JsonValue]) -> StateCondition:
    states = _object(_inner(source.get("run_state_filter")), "run_state_filter").get("states")
    names = states if isinstance(states, list) else [states]
    return StateCondition.parse(",".join(map(str, names)))


def _renamed(source: dict[str, JsonValue], names: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return a filter with the fields that it asks for renamed."""
    renamed: dict[str, JsonValue] = {}
    for key, value in source.items():
        match key, value:
            case (("$and" | "$or" | "$nor"), list()):
                parts = (_renamed(one, names) if isinstance(one, dict) else one for one in value)
                renamed[key] = list(parts)
            case "$not", dict():
                renamed[key] = _renamed(value, names)
            case _:
                new = names.get(key, key)
                renamed[key if new in source else new] = value
    return renamed


def _inner(value: JsonValue) -> JsonValue:
    """Return JSON that may be written as text in JSON."""
    return parse(value, "the filter") if isinstance(value, str) else value


def _object(value: JsonValue, what: str) -> dict[str, JsonValue]:
    if isinstance(value, dict):
        return value
    raise InvalidInput(
        f"{what} is {shortened(quoted(value), 60)}, not an object", "Write it as {...}."
    )


def write_run_event(definition: Definition) -> dict[str, JsonValue]:
    """Return a run event's filter as W&B stores it."""
    condition = definition.condition
    assert condition is not None
    runs = _renamed({"$and": conditions(definition.filter)}, _WANDB_NAMES)
    states: list[JsonValue] = [state.value.upper() for state in condition.states]
    return {"run_filter": dump(runs), "run_state_filter": {"states": states}}


def is_same(one: StateCondition | None, other: StateCondition | None) -> bool:
    """Return whether two conditions mean the same: the order of states does not count."""
    if isinstance(one, StateCondition) and isinstance(other, StateCondition):
        return set(one.states) == set(other.states)
    return one == other
