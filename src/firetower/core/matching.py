"""Matching: which automations an event fires, and what becomes of each match."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from firetower.core.actions import NoAction
from firetower.core.automations import Mode, Revision
from firetower.core.endpoints import Endpoint
from firetower.core.errors import InvalidInput
from firetower.core.events import Event, EventType
from firetower.core.executions import COOLDOWN, SHADOW, Status
from firetower.core.filters import Node, Predicate
from firetower.core.filters.fields import Getter
from firetower.core.filters.operators import Test
from firetower.core.requests import render_body
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope
from firetower.core.text import quoted, shortened

_Tested: TypeAlias = tuple[Test, Revision]
_by_id = attrgetter("id")


class Candidates:
    """Revisions that watch one place; those that ask for one field only are tested together."""

    __slots__ = ("_by_field", "_others", "_revisions")

    def __init__(self, revisions: Iterable[Revision] = ()) -> None:
        self._revisions: dict[int, Revision] = {}
        self._by_field: dict[str, _OneField] = {}
        self._others: list[tuple[Node, Revision]] = []
        for revision in revisions:
            self.add(revision)

    def __iter__(self) -> Iterator[Revision]:
        return iter(self._revisions.values())

    def add(self, revision: Revision) -> None:
        """Take in a revision."""
        self._revisions[revision.id] = revision
        condition = revision.definition.filter.root
        if not isinstance(condition, Predicate):
            self._others.append((condition, revision))
            return
        if condition.field not in self._by_field:
            self._by_field[condition.field] = _OneField(condition.get)
        self._by_field[condition.field].add(condition, revision)

    def remove(self, revision: Revision) -> None:
        """Drop a revision."""
        del self._revisions[revision.id]
        condition = revision.definition.filter.root
        if isinstance(condition, Predicate):
            self._by_field[condition.field].remove(condition, revision)
        else:
            self._others = [other for other in self._others if other[1].id != revision.id]

    def matching(self, event: Event) -> list[Revision]:
        """Return the revisions that the event fires, the oldest first."""
        found = [revision for node, revision in self._others if node.holds(event)]
        for field in self._by_field.values():
            found += field.matching(event)
        if len(found) > 1:
            found.sort(key=_by_id)
        return [revision for revision in found if revision.in_force_at(event)]


class _OneField:
    """Revisions whose filter is one condition on one field, which is read once for them all.

    Many say what a text has to begin with. They are looked up by it, so that those are tested
    only for which the text may be the right one.
    """

    __slots__ = ("_by_start", "_get")

    def __init__(self, get: Getter) -> None:
        self._get = get
        self._by_start: dict[int, dict[str, list[_Tested]]] = {}
        """By the start's length, then by the start."""

    def add(self, predicate: Predicate, revision: Revision) -> None:
        start = predicate.start
        of_length = self._by_start.setdefault(len(start), {})
        of_length.setdefault(start, []).append((predicate.test, revision))

    def remove(self, predicate: Predicate, revision: Revision) -> None:
        start = predicate.start
        tested = self._by_start[len(start)][start]
        tested[:] = [one for one in tested if one[1].id != revision.id]

    def matching(self, event: Event) -> list[Revision]:
        value = self._get(event)
        if not isinstance(value, str):
            tested = chain.from_iterable(
                tests for of_length in self._by_start.values() for tests in of_length.values()
            )
            return [revision for test, revision in tested if test(value)]
        found: list[Revision] = []
        for length, of_length in self._by_start.items():
            tests = of_length.get(value[:length], ())
            found += [revision for test, revision in tests if test(value)]
        return found


class Hold(NamedTuple):
    """Why a firing is held back."""

    reason: str
    until: datetime | None = None
    """The end of the cooldown, where it is the cooldown that holds."""


def held_back(
    cause: str | None, at: datetime, cooldown: timedelta | None, began: datetime | None
) -> Hold | None:
    """Return why what an event would fire is held back, or None where nothing does.

    `at` is when the event was recorded, `began` when the cooldown last began by that same clock.
    """
    if cause is not None and (loop := loop_reason(cause)) is not None:
        return Hold(loop)
    # By distance, and anew from a clock set back: it must not silence an automation for longer.
    if cooldown and began and abs(at - began) < cooldown:
        return Hold(COOLDOWN, min(began, at) + cooldown)
    return None


def begins_anew(until: datetime, at: datetime, cooldown: timedelta | None) -> bool:
    """Return whether a cooldown that holds an event begins anew by it: the clock was set back."""
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


def loop_reason(cause: str | None) -> str | None:
    """Return why what an event would fire is held back, if its chain is too long."""
    depth = depth_of(cause)
    if depth < LIMIT:
        return None
    return f"loop: {depth} automations fired one another"


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
    endpoints: Mapping[int, Endpoint],
) -> Firing:
    """Decide what becomes of a firing.

    `last_fired` is when the automation's cooldown last began, by the clock of the events.
    """
    cooldown = revision.definition.cooldown
    if hold := held_back(event.cause, event.recorded_at, cooldown, last_fired):
        return Firing(revision, event, Status.SKIPPED, hold.reason, hold.until)
    endpoint = endpoints.get(revision.endpoint_id or 0)
    if revision.mode is Mode.SHADOW:
        body = render_body(revision.definition, event, endpoint)
        return Firing(revision, event, Status.SKIPPED, SHADOW, request_body=body)
    if isinstance(revision.definition.action, NoAction):
        return Firing(revision, event, Status.FINISHED)
    if endpoint is None or not endpoint.enabled:
        return Firing(revision, event, Status.SKIPPED, disabled_reason(endpoint))
    return Firing(revision, event, Status.PENDING)


def disabled_reason(endpoint: Endpoint | None) -> str:
    """Return why nothing is sent to an endpoint."""
    if endpoint is None:
        return "the endpoint was deleted"
    because = f": {endpoint.disabled_reason}" if endpoint.disabled_reason else ""
    return f"endpoint {endpoint.name} is disabled{because}"


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
    endpoints: Mapping[int, Endpoint],
    last_fired: Mapping[int, datetime],
) -> list[Firing]:
    """Return what becomes of each match.

    `last_fired` tells, by automation id, when each cooldown last began. The batch itself may begin
    others.
    """
    began = dict(last_fired)
    firings = []
    for revision, event in matches:
        firing = fire(revision, event, began.get(revision.automation_id), endpoints)
        if revision.definition.cooldown is not None and starts_cooldown(firing):
            began[revision.automation_id] = event.recorded_at
        firings.append(firing)
    return firings


def evaluate(
    events: Iterable[Event],
    index: AutomationIndex,
    endpoints: Mapping[int, Endpoint],
    last_fired: Mapping[int, datetime],
) -> list[Firing]:
    """Return the firings of a batch of events: `match`, then `decide`."""
    return decide(match(events, index), endpoints, last_fired)
