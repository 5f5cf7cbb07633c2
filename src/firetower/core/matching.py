"""Matching: which automations an event fires, and how each execution begins."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple, Self, TypeAlias

from firetower.core.actions import NoAction
from firetower.core.automations import Definition, Mode, Revision
from firetower.core.causes import depth_of, is_loop
from firetower.core.endpoints import Endpoint
from firetower.core.events import EVENTS, Event, EventType
from firetower.core.executions import SkipReason, Status
from firetower.core.filters import Node, Predicate
from firetower.core.filters.fields import Getter, getter
from firetower.core.filters.patterns import PatternSet
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.requests import render_body
from firetower.core.runs import StateCondition
from firetower.core.scopes import CollectionScope, CollectionsScope, covers


class Candidates:
    """Revisions that watch one place; all regexes on one field are searched for at once."""

    __slots__ = ("_limited", "_others", "_regexes", "_revisions", "_searches")

    def __init__(self) -> None:
        self._revisions: dict[int, Revision] = {}
        self._regexes: defaultdict[str, dict[int, Predicate]] = defaultdict(dict)
        """The filters that are one regex, by their field."""
        self._searches: list[_Search] | None = None
        """One for each field, compiled when an event first needs them."""
        self._others: dict[int, Node] = {}
        self._limited: dict[int, Definition] = {}
        """Those that wait for a state, or watch only some collections of the place."""

    def add(self, revision: Revision) -> None:
        """Add a revision."""
        self._revisions[revision.id] = revision
        definition = revision.definition
        node = definition.filter.root
        if isinstance(node, Predicate) and node.operator == "$regex":
            self._regexes[node.field][revision.id] = node
            self._searches = None
        else:
            self._others[revision.id] = node
        waits = isinstance(definition.condition, StateCondition)
        if waits or isinstance(definition.scope, CollectionsScope):
            self._limited[revision.id] = definition

    def remove(self, revision: Revision) -> None:
        """Remove a revision."""
        del self._revisions[revision.id]
        self._others.pop(revision.id, None)
        self._limited.pop(revision.id, None)
        for predicates in self._regexes.values():
            predicates.pop(revision.id, None)
        self._searches = None

    def current(self) -> list[Revision]:
        """Return the revisions that have not ended."""
        return [one for one in self._revisions.values() if one.until_event_id is None]

    def matching(self, event: Event) -> list[Revision]:
        """Return the revisions whose filter the event satisfies, and that were in force then."""
        found = [number for number, node in self._others.items() if node.holds(event)]
        if self._searches is None:
            self._searches = [_Search.of(*one) for one in self._regexes.items()]
        for search in self._searches:
            found += search.matching(event)
        if limited := self._limited:
            found = [n for n in found if n not in limited or allows(limited[n], event)]
        revisions = self._revisions
        return [one for n in found if (one := revisions[n]).in_force_at(event)]


class _Search(NamedTuple):
    """The filters that are one regex on the same field."""

    get: Getter
    predicates: Mapping[int, Predicate]
    patterns: PatternSet | None
    """All of them, where they are several."""

    @classmethod
    def of(cls, field: str, predicates: Mapping[int, Predicate]) -> Self:
        sources = {number: str(one.operand) for number, one in predicates.items()}
        return cls(getter(field), predicates, PatternSet(sources) if len(sources) > 1 else None)

    def matching(self, event: Event) -> list[int]:
        value = self.get(event)
        if self.patterns is not None and isinstance(value, str):
            return self.patterns.matching(value)
        return [number for number, one in self.predicates.items() if one.test(value)]


def allows(definition: Definition, event: Event) -> bool:
    """Return whether an event is of the state and in the scope that an automation waits for."""
    condition = definition.condition
    waited_for = not isinstance(condition, StateCondition) or condition.holds(event.run)
    return waited_for and covers(definition.scope, event)


_Place: TypeAlias = tuple[EventType, str, str, str]
"""An event type, the kind and the full name of what is watched, and the metric if it is one."""
_METRIC_EVENTS = [type_ for type_, spec in EVENTS.items() if "metric" in spec.carries]
_COLLECTION = "collection"
_ENTITY = ContainerKind.ENTITY
_ORGANIZATION = ContainerKind.ORGANIZATION, ContainerReference.organization().full_name


class AutomationIndex:
    """The revisions in force, found by event type and by the container or collection they watch.

    An event looks only at the automations that watch its own collection, registry or project, and
    what covers them: what it costs does not depend on how many automations there are elsewhere.
    """

    def __init__(self, revisions: Iterable[Revision] = ()) -> None:
        self._watching: defaultdict[_Place, Candidates] = defaultdict(Candidates)
        self._current: dict[int, Revision] = {}
        self._by_id: dict[int, Revision] = {}
        for revision in revisions:
            self.add(revision)

    def revision(self, revision_id: int) -> Revision | None:
        """Return a revision by its id, if the index has seen it."""
        return self._by_id.get(revision_id)

    def add(self, revision: Revision) -> None:
        """Add a revision; it ends the one that was in force before."""
        before = self._current.get(revision.automation_id)
        if before is not None and before.number >= revision.number:
            return
        if before is not None and before.until_event_id is None:
            self._replace(before, replace(before, until_event_id=revision.after_event_id))
        self._current[revision.automation_id] = revision
        if revision.acts:
            self._by_id[revision.id] = revision
            self._watching[_place(revision)].add(revision)

    def forget_before(self, event_id: int) -> None:
        """Remove the revisions that ended before an event: no earlier one is left to evaluate."""
        for revision in list(self._by_id.values()):
            if revision.until_event_id is not None and revision.until_event_id < event_id:
                self._replace(revision, None)

    def matching(self, event: Event) -> list[Revision]:
        """Return each revision that the event fires, the oldest first."""
        collection = "" if event.collection is None else event.collection.full_name
        found: list[Revision] = []
        for place in _places(event.type, event.container, collection):
            if place in self._watching:
                found += self._watching[place].matching(event)
        return found if len(found) < 2 else sorted(found, key=attrgetter("id"))

    def watching(self, project: ContainerReference, metric: str) -> list[Revision]:
        """Return the revisions in force that watch a metric of a project's runs, the oldest first.

        Those on other metrics cost nothing.
        """
        found: list[Revision] = []
        for type_ in _METRIC_EVENTS:
            for place in _places(type_, project, metric=metric):
                if (candidates := self._watching.get(place)) is not None:
                    found += candidates.current()
        return sorted(found, key=attrgetter("id"))

    def _replace(self, old: Revision, new: Revision | None) -> None:
        if not old.acts:
            return
        self._watching[_place(old)].remove(old)
        del self._by_id[old.id]
        if new is not None:
            self._watching[_place(new)].add(new)
            self._by_id[new.id] = new


def _place(revision: Revision) -> _Place:
    definition = revision.definition
    type_, scope = definition.event_type, definition.scope
    metric = "" if definition.metric is None else definition.metric.metric
    # By kind, for a registry acme's collection and a project can both be named acme/vision.
    if isinstance(scope, CollectionScope):
        return type_, _COLLECTION, scope.collection.full_name, metric
    return type_, scope.container.kind, scope.container.full_name, metric


def _places(
    type_: EventType, container: ContainerReference, collection: str = "", metric: str = ""
) -> tuple[_Place, ...]:
    """Return where an event is watched: in its collection, its container, or what covers that."""
    return (
        (type_, _COLLECTION, collection, metric),
        (type_, container.kind, container.full_name, metric),
        (type_, _ENTITY, container.entity, metric),
        (type_, *_ORGANIZATION, metric),
    )


def cooldown_end(
    at: datetime, cooldown: timedelta | None, began: datetime | None
) -> datetime | None:
    """Return the end of the cooldown that an event recorded at a moment falls in, or None.

    `began` is when the cooldown last began, by the clock of the events.
    """
    # By distance: after the clock was set back, the cooldown starts again from the new time.
    if cooldown and began and abs(at - began) < cooldown:
        return min(began, at) + cooldown
    return None


def restarts_cooldown(until: datetime, at: datetime, cooldown: timedelta | None) -> bool:
    """Return whether a skipped event restarts its cooldown: the clock was set back."""
    return until - at == cooldown


class Decision(NamedTuple):
    """One automation fired by one event, and the status its execution begins with."""

    revision: Revision
    event: Event
    status: Status
    skip_reason: SkipReason | None = None
    detail: str | None = None
    cooldown_until: datetime | None = None
    request_body: str | None = None
    """In shadow: the request that is not sent, its secrets masked."""

    @property
    def starts_cooldown(self) -> bool:
        """Whether its automation's cooldown begins with the event."""
        if self.cooldown_until is not None:
            cooldown = self.revision.definition.pace
            return restarts_cooldown(self.cooldown_until, self.event.recorded_at, cooldown)
        return self.status is not Status.SKIPPED or self.skip_reason is SkipReason.SHADOW


class Skip(NamedTuple):
    """Why an automation skips an event that matches it."""

    reason: SkipReason
    detail: str | None = None
    cooldown_until: datetime | None = None


def skip_of(
    revision: Revision,
    at: datetime,
    cause: str | None,
    cooldown_began: datetime | None,
    endpoints: Mapping[int, Endpoint],
) -> Skip | None:
    """Return why an automation skips an event recorded at a moment; None if it acts.

    `cooldown_began` is when its cooldown last began, by the clock of the events.
    """
    if is_loop(cause):
        return Skip(SkipReason.LOOP, f"{depth_of(cause)} automations fired one another")
    if cooldown_began is not None:
        until = cooldown_end(at, revision.definition.pace, cooldown_began)
        if until is not None:
            return Skip(SkipReason.COOLDOWN, cooldown_until=until)
    if revision.mode is Mode.SHADOW or isinstance(revision.definition.action, NoAction):
        return None
    endpoint = endpoints.get(revision.endpoint_id or 0)
    if endpoint is None:
        return Skip(SkipReason.ENDPOINT_DELETED)
    if not endpoint.enabled:
        return Skip(SkipReason.ENDPOINT_DISABLED, endpoint.disabled_reason)
    return None


def fire(
    revision: Revision,
    event: Event,
    cooldown_began: datetime | None,
    endpoints: Mapping[int, Endpoint],
) -> Decision:
    """Decide about one automation and an event that matches it."""
    skip = skip_of(revision, event.recorded_at, event.cause, cooldown_began, endpoints)
    if skip is not None:
        return Decision(revision, event, Status.SKIPPED, *skip)
    if revision.mode is Mode.SHADOW:
        body = render_body(revision.definition, event, endpoints.get(revision.endpoint_id or 0))
        shadow = SkipReason.SHADOW
        return Decision(revision, event, Status.SKIPPED, shadow, request_body=body)
    is_done = isinstance(revision.definition.action, NoAction)
    return Decision(revision, event, Status.FINISHED if is_done else Status.PENDING)


Match: TypeAlias = tuple[Revision, Event]


def match(events: Iterable[Event], index: AutomationIndex) -> list[Match]:
    """Return each revision with each event of a batch that fires it, in the events' order."""
    return [(revision, event) for event in events for revision in index.matching(event)]


def decide(
    matches: Iterable[Match], endpoints: Mapping[int, Endpoint], cooldowns: Mapping[int, datetime]
) -> Iterator[Decision]:
    """Decide about each match, in order.

    `cooldowns` maps automation ids to when their cooldowns last began. The batch itself may begin
    others.
    """
    began = dict(cooldowns)
    for revision, event in matches:
        decision = fire(revision, event, began.get(revision.automation_id), endpoints)
        if revision.definition.cooldown is not None and decision.starts_cooldown:
            began[revision.automation_id] = event.recorded_at
        yield decision
