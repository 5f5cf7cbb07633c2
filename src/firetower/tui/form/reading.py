"""What a draft means, as far as it can be read, and what is wrong with it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from firetower.core.actions import Action, ActionType, NoAction, SlackAction, WebhookAction
from firetower.core.automations import Definition, parse_duration
from firetower.core.errors import Conflict, FiretowerError, InvalidInput
from firetower.core.events import check_allowed
from firetower.core.filters import ANY, Filter, alias_and_tag_filter
from firetower.core.filters.patterns import Pattern
from firetower.core.references import CollectionReference, ContainerKind, check_automation_name
from firetower.core.scopes import CollectionScope, ContainerScope, Scope, collections_scope
from firetower.core.text import visible
from firetower.tui.form.draft import Draft

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
    TITLE = "title"
    MESSAGE = "message"
    NAME = "name"
    COOLDOWN = "cooldown"


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


def read_draft(
    draft: Draft, granted: Mapping[str, frozenset[str]], taken: Collection[str] = ()
) -> Reading:
    """Read a draft; `granted` are the secrets that each webhook may use.

    `taken` are the names of the other automations.
    """
    reading = Reading()

    def attempt(part: Part, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except FiretowerError as error:
            reading.problems[part] = error
            return None

    reading.scope = attempt(Part.SCOPE, partial(_scope, draft))
    kind = draft.container.kind
    attempt(Part.EVENT, lambda: check_allowed(draft.event_type, kind))
    reading.filter = _read_filter(draft, attempt)
    action = _read_action(draft, granted, attempt)
    cooldown = attempt(
        Part.COOLDOWN, lambda: parse_duration(draft.cooldown) if draft.cooldown.strip() else None
    )
    attempt(Part.NAME, lambda: _check_name(draft.name, taken))
    _note_missing(draft, reading)
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
    secrets = granted.get(draft.endpoint, frozenset())
    # What the parts let through and the whole refuses is text in the filter, or the cooldown.
    without = definition.model_copy(update={"cooldown": None})
    attempt(Part.FILTER, lambda: without.check(secrets))
    if not reading.problems:
        attempt(Part.COOLDOWN, lambda: definition.check(secrets))
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


def _check_name(name: str, taken: Collection[str]) -> None:
    check_automation_name(name)
    if name in taken:
        raise Conflict(f"an automation named {visible(name)} exists already", "Choose another.")


def _note_missing(draft: Draft, reading: Reading) -> None:
    if reading.scope is None and Part.SCOPE not in reading.problems:
        registry = draft.container.kind is ContainerKind.REGISTRY
        reading.missing[Part.SCOPE] = (
            "Choose a collection." if registry else "Give a glob, a /regex/ or a type."
        )
    if draft.action is not ActionType.NO_OP and not draft.endpoint:
        reading.missing[Part.ACTION] = "Choose an endpoint, or make one."


def _scope(draft: Draft) -> Scope | None:
    """Read the scope; None while nothing says which collections. Raises InvalidInput."""
    if draft.whole:
        return ContainerScope(container=draft.container)
    if draft.container.kind is ContainerKind.REGISTRY:
        if not draft.collection:
            return None
        return CollectionScope(
            collection=CollectionReference(container=draft.container, name=draft.collection)
        )
    if not draft.pattern and not draft.artifact_type:
        return None
    return collections_scope(draft.container, draft.pattern or None, draft.artifact_type or None)


def _read_action(
    draft: Draft, granted: Mapping[str, frozenset[str]], attempt: Attempt
) -> Action | None:
    """Read the action, each of its templates under its own field."""
    secrets = granted.get(draft.endpoint, frozenset())

    def checked(action: Action) -> Action:
        action.check(draft.event_type, secrets)
        return action

    match draft.action:
        case ActionType.GENERIC_WEBHOOK:
            payload = draft.payload if draft.payload.strip() else None
            found: Action | None = attempt(
                Part.PAYLOAD,
                lambda: checked(WebhookAction(endpoint=draft.endpoint, payload=payload)),
            )
            return found
        case ActionType.NOTIFICATION:
            slack = partial(SlackAction, endpoint=draft.endpoint, severity=draft.severity)
            title, message = draft.title or None, draft.message or None
            parts = (
                attempt(Part.TITLE, lambda: checked(slack(title=title))),
                attempt(Part.MESSAGE, lambda: checked(slack(message=message))),
            )
            return slack(title=title, message=message) if all(parts) else None
        case ActionType.NO_OP:
            return NoAction()
