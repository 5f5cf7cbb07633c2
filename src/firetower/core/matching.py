"""Matching: which automations an event fires, and what becomes of each match."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from firetower.core.actions import NoAction
from firetower.core.automations import Mode, Revision
from firetower.core.endpoints import Endpoint
from firetower.core.errors import InvalidInput
from firetower.core.events import Event, EventType
from firetower.core.executions import SkipReason, Status
from firetower.core.filters import Node, Predicate
from firetower.core.filters.fields import Getter
from firetower.core.filters.patterns import PatternSet
from firetower.core.requests import render_body
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope
from firetower.core.text import quoted, shortened

_by_id = attrgetter("id")


class Candidates:
    """Revisions that watch one place; all regexes on one field are searched for at once."""

    __slots__ = ("_others", "_regexes", "_revisions")

    def __init__(self, revisions: Iterable[Revision] = ()) -> None:
        self._revisions: dict[int, Revision] = {}
        self._regexes: dict[str, _Regexes] = {}
        self._others: dict[int, Node] = {}
        for revision in revisions:
            self.add(revision)

    def __iter__(self) -> Iterator[Revision]:
        return iter(self._revisions.values())

    def add(self, revision: Revision) -> None:
        """Take in a revision."""
        self._revisions[revision.id] = revision
        condition = revision.definition.filter.root
        if isinstance(condition, Predicate) and condition.operator == "$regex":
            of_field = self._regexes.setdefault(condition.field, _Regexes(condition.get))
            of_field.change({**of_field.predicates, revision.id: condition})
        else:
            self._others[revision.id] = condition

    def remove(self, revision: Revision) -> None:
        """Drop a revision."""
        del self._revisions[revision.id]
        self._others.pop(revision.id, None)
        for of_field in self._regexes.values():
            of_field.predicates.pop(revision.id, None)
            of_field.change(of_field.predicates)

    def compile(self) -> None:
        """Compile the regexes now, not at the first event."""
        for of_field in self._regexes.values():
            of_field.compile()

    def matching(self, event: Event) -> list[Revision]:
        """Return the revisions that the event fires, the oldest first."""
        found = [number for number, node in self._others.items() if node.holds(event)]
        for of_field in self._regexes.values():
            found += of_field.matching(event)
        if len(found) > 1:
            found.sort()
        revisions = map(self._revisions.__getitem__, found)
        return [revision for revision in revisions if revision.in_force_at(event)]


class _Regexes:
    """The filters that are one regex on one field, by the ids of their revisions."""

    __slots__ = ("_get", "_ids", "_set", "predicates")

    def __init__(self, get: Getter) -> None:
        self._get = get
        self.predicates: dict[int, Predicate] = {}
        self._set: PatternSet | None = None

    def change(self, predicates: dict[int, Predicate]) -> None:
        self.predicates, self._set = predicates, None

    def compile(self) -> None:
        self._ids = list(self.predicates)
        if len(self._ids) > 1:
            self._set = PatternSet([str(one.operand) for one in self.predicates.values()])

    def matching(self, event: Event) -> list[int]:
        value = self._get(event)
        if self._set is None and len(self.predicates) > 1:
            self.compile()
        if self._set is None or not isinstance(value, str):
            return [number for number, one in self.predicates.items() if one.test(value)]
        return [self._ids[place] for place in self._set.matching(value)]


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


LIMIT = 8
"""Automations that may fire one another in a row."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_DEPTH = re.compile(r"_x(\d{1,4})$")


def check_cause(cause: str) -> str:
    """Return the `webhook-id` of a cause if it can be one. Raises InvalidInput."""
    if not _ID.fullmatch(cause):
        raise InvalidInput(
            f"the cause {quoted(shortened(cause, 60))} is not a webhook-id",
            "Hand on the webhook-id header of the request that the change was made for.",
        )
    return cause


def depth_of(cause: str | None) -> int:
    """Return how many automations have fired one another up to a cause; 0 without one."""
    if cause is None:
        return 0
    found = _DEPTH.search(cause)
    return int(found[1]) if found else 1


def webhook_id(digits: str, cause: str | None) -> str:
    """Return the id of what an event fires, made unique by `digits`.

    `cause` is the event's own. Standard Webhooks: unique, and without a dot.
    """
    depth = depth_of(cause) + 1
    return f"msg_{digits}" if depth == 1 else f"msg_{digits}_x{depth}"


def is_loop(cause: str | None) -> bool:
    """Return whether too many automations have fired one another up to a cause."""
    return cause is not None and depth_of(cause) >= LIMIT


_Places: TypeAlias = defaultdict[tuple[EventType, str], Candidates]


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

    def compile(self) -> None:
        """Compile all regexes now, not at the first event that needs them."""
        for places in (self._of_collection, self._of_container):
            for candidates in places.values():
                candidates.compile()

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
            cooldown = self.revision.definition.cooldown
            return restarts_cooldown(self.cooldown_until, self.event.recorded_at, cooldown)
        return self.status is not Status.SKIPPED or self.skip_reason is SkipReason.SHADOW


def fire(
    revision: Revision,
    event: Event,
    cooldown_began: datetime | None,
    endpoints: Mapping[int, Endpoint],
) -> Decision:
    """Decide what an automation does with an event that matches it.

    `cooldown_began` is when its cooldown last began, by the clock of the events.
    """

    def skip(reason: SkipReason, detail: str | None = None) -> Decision:
        return Decision(revision, event, Status.SKIPPED, reason, detail)

    if is_loop(event.cause):
        return skip(SkipReason.LOOP, f"{depth_of(event.cause)} automations fired one another")
    until = cooldown_end(event.recorded_at, revision.definition.cooldown, cooldown_began)
    if until is not None:
        return skip(SkipReason.COOLDOWN)._replace(cooldown_until=until)
    endpoint = endpoints.get(revision.endpoint_id or 0)
    if revision.mode is Mode.SHADOW:
        body = render_body(revision.definition, event, endpoint)
        return skip(SkipReason.SHADOW)._replace(request_body=body)
    if isinstance(revision.definition.action, NoAction):
        return Decision(revision, event, Status.FINISHED)
    if endpoint is None or not endpoint.enabled:
        reason = SkipReason.ENDPOINT_DELETED if endpoint is None else SkipReason.ENDPOINT_DISABLED
        return skip(reason, None if endpoint is None else endpoint.disabled_reason)
    return Decision(revision, event, Status.PENDING)


Match: TypeAlias = tuple[Revision, Event]


def match(events: Iterable[Event], index: AutomationIndex) -> list[Match]:
    """Return each revision with each event of a batch that fires it, in the events' order."""
    return [(revision, event) for event in events for revision in index.matching(event)]


def decide(
    matches: Iterable[Match], endpoints: Mapping[int, Endpoint], cooldowns: Mapping[int, datetime]
) -> list[Decision]:
    """Decide what becomes of each match.

    `cooldowns` maps automation ids to when their cooldowns last began. The batch itself may begin
    others.
    """
    began = dict(cooldowns)
    decisions = []
    for revision, event in matches:
        decision = fire(revision, event, began.get(revision.automation_id), endpoints)
        if revision.definition.cooldown is not None and decision.starts_cooldown:
            began[revision.automation_id] = event.recorded_at
        decisions.append(decision)
    return decisions


def evaluate(
    events: Iterable[Event],
    index: AutomationIndex,
    endpoints: Mapping[int, Endpoint],
    cooldowns: Mapping[int, datetime],
) -> list[Decision]:
    """Match a batch of events, and decide what becomes of each match."""
    return decide(match(events, index), endpoints, cooldowns)
