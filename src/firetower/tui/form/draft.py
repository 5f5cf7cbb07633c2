"""An automation as it is being written: read at every keystroke, right or wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from firetower.core.actions import (
    Action,
    ActionType,
    NoAction,
    Severity,
    SlackAction,
    WebhookAction,
)
from firetower.core.automations import Automation, Definition, Mode, duration, parse_duration
from firetower.core.errors import FiretowerError, InvalidInput
from firetower.core.events import EventType, allowed_events, check_allowed
from firetower.core.filters import ANY, Filter
from firetower.core.filters.filter import alias_and_tag_filter
from firetower.core.jsons import dump
from firetower.core.names import check_automation_name
from firetower.core.patterns import Pattern
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.scopes import (
    CollectionScope,
    CollectionsScope,
    ContainerScope,
    Scope,
    collections_scope,
)

T = TypeVar("T")


class Part(StrEnum):
    """The parts of the form under which an error can stand."""

    SCOPE = "scope"
    EVENT = "event"
    ALIAS = "alias"
    TAG = "tag"
    FILTER = "filter"
    ACTION = "action"
    PAYLOAD = "payload"
    NAME = "name"
    COOLDOWN = "cooldown"


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
    integration: str = ""
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


@dataclass(slots=True)
class Reading:
    """What a draft means, as far as it can be read."""

    problems: dict[Part, FiretowerError] = field(default_factory=dict)
    missing: dict[Part, str] = field(default_factory=dict)
    """What has only been left out so far: said when someone wants to save."""
    scope: Scope | None = None
    filter: Filter | None = None
    definition: Definition | None = None
    """The whole, once nothing is wrong."""

    @property
    def can_be_saved(self) -> bool:
        """Whether nothing is wrong or missing."""
        return self.definition is not None and not self.missing


def read_draft(draft: Draft, granted: Mapping[str, frozenset[str]]) -> Reading:
    """Read a draft; `granted` are the secrets that each integration may use."""
    reading = Reading()

    def attempt(part: Part, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except FiretowerError as error:
            reading.problems[part] = error
            return None

    reading.scope = attempt(Part.SCOPE, lambda: _scope(draft))
    kind = draft.container.kind
    attempt(Part.EVENT, lambda: check_allowed(draft.event_type, kind))
    reading.filter = _read_filter(draft, attempt)
    action = attempt(Part.PAYLOAD, lambda: _action(draft, granted))
    cooldown = attempt(
        Part.COOLDOWN, lambda: parse_duration(draft.cooldown) if draft.cooldown.strip() else None
    )
    attempt(Part.NAME, lambda: check_automation_name(draft.name))
    if draft.action is not ActionType.NO_OP and not draft.integration:
        reading.missing[Part.ACTION] = "Choose an endpoint, or make one."
    if reading.problems or not (reading.scope and reading.filter and action):
        return reading
    definition = Definition(
        name=draft.name,
        description=draft.description,
        scope=reading.scope,
        event_type=draft.event_type,
        filter=reading.filter,
        action=action,
        cooldown=cooldown,
    )
    attempt(Part.COOLDOWN, lambda: definition.check(granted.get(draft.integration, frozenset())))
    reading.definition = None if reading.problems else definition
    return reading


Attempt = Callable[[Part, Callable[[], Any]], Any]


def _read_filter(draft: Draft, attempt: Attempt) -> Filter | None:
    """Read the parts of the filter, each under its own field."""
    alias = draft.alias if "alias" in draft.carries else ""
    tag = draft.tag if "tag" in draft.carries else ""
    for part, text in ((Part.ALIAS, alias), (Part.TAG, tag)):
        if text:
            attempt(part, partial(Pattern, text))

    def whole() -> Filter:
        other = Filter.parse(draft.filter) if draft.filter.strip() else None
        if other is not None:
            other.check_event_type(draft.event_type)
        return other or ANY

    other = attempt(Part.FILTER, whole)
    if other is None:
        return None
    try:
        return alias_and_tag_filter(alias or None, tag or None, None if other is ANY else other)
    except InvalidInput:
        return None  # said under the alias or the tag


def _scope(draft: Draft) -> Scope:
    if draft.whole:
        return ContainerScope(container=draft.container)
    if draft.container.kind is ContainerKind.REGISTRY:
        if not draft.collection:
            raise InvalidInput("no collection is chosen", "Choose one of the registry's.")
        full = f"{draft.container}/{draft.collection}"
        return CollectionScope(collection=CollectionReference.parse(full))
    if not draft.pattern and not draft.artifact_type:
        raise InvalidInput(
            "nothing says which collections match", "Give a glob, a /regex/ or a type."
        )
    return collections_scope(draft.container, draft.pattern or None, draft.artifact_type or None)


def _action(draft: Draft, granted: Mapping[str, frozenset[str]]) -> Action:
    secrets = granted.get(draft.integration, frozenset())
    action: Action = NoAction()
    if draft.action is ActionType.GENERIC_WEBHOOK:
        action = WebhookAction(
            integration=draft.integration, payload=draft.payload if draft.payload.strip() else None
        )
    elif draft.action is ActionType.NOTIFICATION:
        action = SlackAction(
            integration=draft.integration,
            title=draft.title or None,
            message=draft.message or None,
            severity=draft.severity,
        )
    action.check(draft.event_type, secrets)
    return action


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
        case {"$or": [{"$and": [*parts]}]} if len(filter_.source) == 1:
            pass
        case _:
            return {"filter": dump(filter_.source)}
    fields: dict[str, Any] = {}
    rest: list[Any] = []
    for part in parts:
        match part:
            case {"alias": {"$regex": str(text)}} if (
                part == {"alias": {"$regex": text}} and "alias" not in fields
            ):
                fields["alias"] = text
            case {"tag": {"$regex": str(text)}} if (
                part == {"tag": {"$regex": text}} and "tag" not in fields
            ):
                fields["tag"] = text
            case _:
                rest.append(part)
    if rest:
        fields["filter"] = dump(rest[0] if len(rest) == 1 else {"$and": rest})
    return fields


def _action_fields(action: Action) -> dict[str, Any]:
    fields: dict[str, Any] = {"action": action.type, "integration": action.integration or ""}
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
