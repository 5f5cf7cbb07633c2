"""Evaluation: which automations an event fires, and what becomes of each firing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from firetower.core.actions import NoAction
from firetower.core.automations import Mode, Revision
from firetower.core.candidates import Candidates
from firetower.core.cooldowns import begins_anew, held_back
from firetower.core.events import Event, EventType
from firetower.core.executions import SHADOW, Status
from firetower.core.integrations import Integration
from firetower.core.requests import render_body
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope

_Places: TypeAlias = defaultdict[tuple[EventType, str], Candidates]
_by_id = attrgetter("id")


class AutomationIndex:
    """The revisions in force, found by event type and by the container or collection they watch.

    An event looks at the automations that watch its own collection, registry or project only, and
    remembers for each collection which of those cover it: what it costs does not depend on how
    many automations there are elsewhere.
    """

    def __init__(self, revisions: Iterable[Revision] = ()) -> None:
        # Apart, for a registry acme's collection and a project can both be named acme/vision.
        self._of_collection: _Places = defaultdict(Candidates)
        self._of_container: _Places = defaultdict(Candidates)
        self._of_some: _Places = defaultdict(Candidates)
        """In a container, but only of those of its collections that the scope's filter covers."""
        self._covering: dict[tuple[EventType, str], list[Candidates]] = {}
        """What covers a collection, for each that an event came from."""
        self._current: dict[int, Revision] = {}
        self._by_id: dict[int, Revision] = {}
        for revision in revisions:
            self.add(revision)

    def __len__(self) -> int:
        """The automations known, the disabled ones too."""
        return sum(revision.mode is not Mode.DELETED for revision in self._current.values())

    def revision(self, revision_id: int) -> Revision | None:
        """Return a revision by its id, if the index has seen it."""
        return self._by_id.get(revision_id)

    def add(self, revision: Revision) -> None:
        """Take in a revision; it ends the one that was in force before."""
        before = self._current.get(revision.automation_id)
        if before is not None and before.number >= revision.number:
            return
        if before is not None and before.until_event_id is None:
            self._replace(before, replace(before, until_event_id=revision.after_event_id))
        self._current[revision.automation_id] = revision
        if revision.acts:
            self._by_id[revision.id] = revision
            self._watchers(revision).add(revision)
            self._covering.clear()

    def forget_before(self, event_id: int) -> None:
        """Drop the revisions that ended before an event: no earlier one is left to evaluate."""
        for revision in list(self._by_id.values()):
            if revision.until_event_id is not None and revision.until_event_id < event_id:
                self._replace(revision, None)

    def matching(self, event: Event) -> list[Revision]:
        """Return each revision that the event fires, the oldest first."""
        key = (event.type, event.collection.full_name)
        covering = self._covering.get(key)
        if covering is None:
            covering = self._covering[key] = self._find_covering(event)
        if len(covering) == 1:
            return covering[0].matching(event)
        found = [revision for candidates in covering for revision in candidates.matching(event)]
        found.sort(key=_by_id)
        return found

    def _find_covering(self, event: Event) -> list[Candidates]:
        around = (event.type, event.container.full_name)
        some = [
            revision
            for revision in self._of_some.get(around, ())
            if revision.definition.scope.covers(event.collection, event.artifact_type)
        ]
        found = [
            self._of_collection.get((event.type, event.collection.full_name)),
            self._of_container.get(around),
            Candidates(some) if some else None,
        ]
        return [candidates for candidates in found if candidates is not None]

    def _watchers(self, revision: Revision) -> Candidates:
        type_, scope = revision.definition.event_type, revision.definition.scope
        match scope:
            case CollectionScope():
                return self._of_collection[type_, scope.collection.full_name]
            case ContainerScope():
                return self._of_container[type_, scope.container.full_name]
            case CollectionsScope():
                return self._of_some[type_, scope.container.full_name]

    def _replace(self, old: Revision, new: Revision | None) -> None:
        if not old.acts:
            return
        self._watchers(old).remove(old)
        del self._by_id[old.id]
        if new is not None:
            self._watchers(new).add(new)
            self._by_id[new.id] = new
        self._covering.clear()


class Firing(NamedTuple):
    """One automation fired by one event, and what becomes of it."""

    revision: Revision
    event: Event
    status: Status
    reason: str | None = None
    held_until: datetime | None = None
    """The end of the cooldown that held it back."""
    request_body: str | None = None
    """In shadow: what would have been sent, its secrets masked."""


def fire(
    revision: Revision,
    event: Event,
    last_fired: datetime | None,
    integrations: Mapping[int, Integration],
) -> Firing:
    """Decide what becomes of a firing.

    `last_fired` is when the automation's cooldown last began, by the clock of the events.
    """
    cooldown = revision.definition.cooldown
    if hold := held_back(event.cause, event.recorded_at, cooldown, last_fired):
        return Firing(revision, event, Status.SKIPPED, hold.reason, hold.until)
    integration = integrations.get(revision.integration_id or 0)
    if revision.mode is Mode.SHADOW:
        body = render_body(revision.definition, event, integration)
        return Firing(revision, event, Status.SKIPPED, SHADOW, request_body=body)
    if isinstance(revision.definition.action, NoAction):
        return Firing(revision, event, Status.FINISHED)
    if integration is None or not integration.enabled:
        return Firing(revision, event, Status.SKIPPED, disabled_reason(integration))
    return Firing(revision, event, Status.PENDING)


def disabled_reason(integration: Integration | None) -> str:
    """Return why nothing is sent to an endpoint."""
    if integration is None:
        return "the endpoint was deleted"
    because = f": {integration.disabled_reason}" if integration.disabled_reason else ""
    return f"endpoint {integration.name} is disabled{because}"


def starts_cooldown(firing: Firing) -> bool:
    """Return whether a firing begins its automation's cooldown.

    What is or would be sent does, and what a clock set back holds: it counts from there.
    """
    if firing.held_until is not None:
        cooldown = firing.revision.definition.cooldown
        return begins_anew(firing.held_until, firing.event.recorded_at, cooldown)
    return firing.status is not Status.SKIPPED or firing.reason == SHADOW


Match: TypeAlias = tuple[Revision, Event]


def match(events: Iterable[Event], index: AutomationIndex) -> list[Match]:
    """Return each revision with each event of a batch that fires it, in the events' order."""
    return [(revision, event) for event in events for revision in index.matching(event)]


def decide(
    matches: Iterable[Match],
    integrations: Mapping[int, Integration],
    last_fired: Mapping[int, datetime],
) -> list[Firing]:
    """Return what becomes of each match.

    `last_fired` tells, by automation id, when each cooldown last began. The batch itself may begin
    others.
    """
    began = dict(last_fired)
    firings = []
    for revision, event in matches:
        firing = fire(revision, event, began.get(revision.automation_id), integrations)
        if revision.definition.cooldown is not None and starts_cooldown(firing):
            began[revision.automation_id] = event.recorded_at
        firings.append(firing)
    return firings


def evaluate(
    events: Iterable[Event],
    index: AutomationIndex,
    integrations: Mapping[int, Integration],
    last_fired: Mapping[int, datetime],
) -> list[Firing]:
    """Return the firings of a batch of events: `match`, then `decide`."""
    return decide(match(events, index), integrations, last_fired)
