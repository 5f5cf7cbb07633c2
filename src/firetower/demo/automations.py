"""The automations of the demo, read from `automations.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from firetower.core.actions import ActionType, Severity
from firetower.core.automations import Definition, Mode
from firetower.core.drafts import Draft, read_draft
from firetower.core.events import EventType
from firetower.core.references import ContainerReference


@dataclass(frozen=True, slots=True)
class SavedAutomation:
    """A definition with its author and its age."""

    days_ago: int
    author: str
    definition: Definition
    mode: Mode


@cache
def read_automations() -> tuple[SavedAutomation, ...]:
    """Return the automations, the oldest first; a second one of a name is an edit of the first."""
    entries = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["automation"]
    return tuple(
        SavedAutomation(
            days_ago=entry["days_ago"],
            author=entry["author"],
            definition=read_draft(_draft(entry)).checked(),
            mode=Mode(entry.get("mode", Mode.ENABLED)),
        )
        for entry in entries
    )


def _draft(entry: dict[str, Any]) -> Draft:
    if "registry" in entry:
        container = ContainerReference.registry(entry["registry"])
    else:
        container = ContainerReference.project(entry["project"])
    if "webhook" in entry:
        action = ActionType.GENERIC_WEBHOOK
    else:
        action = ActionType.NOTIFICATION if "slack" in entry else ActionType.NO_OP
    return Draft(
        container=container,
        whole=entry.keys().isdisjoint({"collection", "collections", "type"}),
        collection=entry.get("collection", ""),
        pattern=entry.get("collections", ""),
        artifact_type=entry.get("type", ""),
        event_type=EventType(entry["event"]),
        alias=entry.get("alias_regex", ""),
        tag=entry.get("tag_regex", ""),
        filter=entry.get("filter", ""),
        action=action,
        endpoint=entry.get("webhook") or entry.get("slack", ""),
        payload=entry.get("payload", ""),
        title=entry.get("title", ""),
        message=entry.get("message", ""),
        severity=Severity(entry.get("severity", Severity.INFO)),
        name=entry["name"],
        description=entry["description"],
        cooldown=entry.get("cooldown", ""),
    )
