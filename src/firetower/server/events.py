"""What fires an automation, as W&B names it: an event with a filter."""

from collections.abc import Mapping
from typing import Any

from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.json import canonical
from firetower.server.fields import Arguments
from firetower.server.filters import plain_filter, read_filter, write_filter

_WANDB_NAMES: Mapping[EventType, str] = {
    EventType.LINK_ARTIFACT: "LINK_MODEL",
    # W&B has no event for a removed alias, and its SDK refuses a list that has one. This is an old
    # name that its SDK reads and never writes.
    EventType.REMOVE_ARTIFACT_ALIAS: "UPDATE_ARTIFACT_ALIAS",
}


def read_event(given: Arguments, before: Definition | None) -> dict[str, Any]:
    """Return the event and filter of a definition, from what an input says of them.

    What an update leaves out is as it was `before`. Raises InvalidInput.
    """
    if before is None:
        type_ = EventType.parse(given.text("triggeringEventType"))
        return {"event_type": type_, "filter": read_filter(given.text("eventFilter"))}
    said, text = given.optional_text("triggeringEventType"), given.optional_text("eventFilter")
    type_ = before.event_type if said in {None, _name(before.event_type)} else EventType.parse(said)
    filter_ = before.filter if text is None else read_filter(text)
    if canonical(plain_filter(filter_)) == canonical(plain_filter(before.filter)):
        filter_ = before.filter  # as it was written
    return {"event_type": type_, "filter": filter_}


def write_event(definition: Definition) -> dict[str, object]:
    """Return the event and filter of a definition as W&B's API does."""
    return {
        "__typename": "FilterEventTriggeringCondition",
        "eventType": _name(definition.event_type),
        "filter": write_filter(definition.filter),
    }


def _name(type_: EventType) -> str:
    """Return W&B's name of an event type."""
    return _WANDB_NAMES.get(type_, type_.value)
