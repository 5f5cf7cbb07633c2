"""What fires an automation, as W&B names it: an event with a filter."""

from collections.abc import Mapping
from typing import Any

from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.filters import Filter
from firetower.core.json import canonical, dump
from firetower.core.metrics import Condition
from firetower.server.fields import Arguments
from firetower.server.filters import plain_filter, read_filter, write_filter
from firetower.server.run_filters import is_same, read_run_event, write_run_event

_WANDB_NAMES: Mapping[EventType, str] = {
    EventType.LINK_ARTIFACT: "LINK_MODEL",
    # W&B has no event for a removed alias, and its SDK refuses a list that has one. This is an old
    # name that its SDK reads and never writes.
    EventType.REMOVE_ARTIFACT_ALIAS: "UPDATE_ARTIFACT_ALIAS",
}


def read_event(given: Arguments, before: Definition | None) -> dict[str, Any]:
    """Return the event, filter and condition of a definition, from what an input says of them.

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
    if "run" in type_.spec.carries:
        return read_run_event(type_, text)
    return read_filter(text), None


def _write(definition: Definition) -> str:
    if definition.condition is None:
        return write_filter(definition.filter)
    return dump(write_run_event(definition))
