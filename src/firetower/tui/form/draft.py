"""An automation as it is being written: read at every keystroke, right or wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from firetower.core.actions import (
    Action,
    ActionType,
    NoAction,
    Severity,
    SlackAction,
    WebhookAction,
)
from firetower.core.automations import Automation, Mode, duration
from firetower.core.events import EventType, allowed_events
from firetower.core.filters import Filter, alias_and_tag_filter
from firetower.core.json import dump
from firetower.core.references import ContainerReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What the form's fields say, as text. Empty is what was left out."""

    container: ContainerReference
    whole: bool = True
    """Whether it watches the whole container, or the collections chosen below."""
    collection: str = ""
    """Of a registry."""
    pattern: str = ""
    """Of a project: a glob, or a regex in slashes."""
    artifact_type: str = ""
    event_type: EventType
    alias: str = ""
    tag: str = ""
    filter: str = ""
    action: ActionType = ActionType.GENERIC_WEBHOOK
    endpoint: str = ""
    payload: str = ""
    title: str = ""
    message: str = ""
    severity: Severity = Severity.INFO
    name: str = ""
    description: str = ""
    cooldown: str = ""
    mode: Mode = Mode.ENABLED

    @classmethod
    def new(cls, container: ContainerReference) -> "Draft":
        """Return the draft a new automation begins as: the event people ask for most."""
        types = allowed_events(container.kind)
        wanted = EventType.ADD_ARTIFACT_ALIAS
        return cls(container=container, event_type=wanted if wanted in types else types[0])

    @classmethod
    def of(cls, automation: Automation) -> "Draft":
        """Return an automation as a draft."""
        definition = automation.definition
        return cls(
            container=definition.scope.container,
            event_type=definition.event_type,
            name=definition.name,
            description=definition.description,
            cooldown="" if definition.cooldown is None else duration(definition.cooldown),
            mode=automation.mode,
            **_scope_fields(definition.scope),
            **_filter_fields(definition.filter),
            **_action_fields(definition.action),
        )

    @property
    def carries(self) -> frozenset[str]:
        """What events of the chosen type carry: an alias, a tag, a version."""
        return self.event_type.spec.carries


def _scope_fields(scope: Scope) -> dict[str, Any]:
    match scope:
        case CollectionScope():
            return {"whole": False, "collection": scope.collection.name}
        case CollectionsScope():
            regex = None if scope.regex is None else f"/{scope.regex}/"
            return {
                "whole": False,
                "pattern": regex or scope.glob or "",
                "artifact_type": scope.artifact_type or "",
            }
        case ContainerScope():
            return {}


def _filter_fields(filter_: Filter) -> dict[str, Any]:
    """Take the alias's and the tag's regex out of a filter that the form could have written."""
    match filter_.source:
        case {"$or": [{"$and": [*parts]}]}:
            fields, rest = _regexes(parts)
        case _:
            fields, rest = {}, []
    other = Filter.of(rest[0]) if len(rest) == 1 else None
    if alias_and_tag_filter(fields.get("alias"), fields.get("tag"), other) != filter_:
        return {"filter": dump(filter_.source)}
    return fields if other is None else {**fields, "filter": dump(other.source)}


def _regexes(parts: Sequence[JsonValue]) -> tuple[dict[str, str], Sequence[JsonValue]]:
    """Return the regexes that conditions begin with, by their fields, and the other conditions."""
    fields: dict[str, str] = {}
    for place, part in enumerate(parts):
        match part:
            case {"alias": {"$regex": str(text)}} if text and not fields:
                fields["alias"] = text
            case {"tag": {"$regex": str(text)}} if text and "tag" not in fields:
                fields["tag"] = text
            case _:
                return fields, parts[place:]
    return fields, ()


def _action_fields(action: Action) -> dict[str, Any]:
    fields: dict[str, Any] = {"action": action.type, "endpoint": action.endpoint or ""}
    match action:
        case WebhookAction():
            fields["payload"] = action.payload or ""
        case SlackAction():
            fields |= {
                "title": action.title or "",
                "message": action.message or "",
                "severity": action.severity,
            }
        case NoAction():
            pass
    return fields


def suggested_name(draft: Draft, taken: frozenset[str]) -> str:
    """Return a name that says what the draft is about, unlike those that are taken."""
    place = draft.collection if not draft.whole and draft.collection else draft.container.name
    stem = f"{place}-{draft.event_type.spec.label.replace(' ', '-')}"
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
