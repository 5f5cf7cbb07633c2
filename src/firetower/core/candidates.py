"""The automations that one event type can fire in one place, arranged to be tested quickly."""

from collections.abc import Iterable, Iterator
from itertools import chain
from operator import attrgetter
from typing import TypeAlias

from firetower.core.automations import Revision
from firetower.core.events import Event
from firetower.core.filters import Node, Predicate
from firetower.core.filters.fields import Getter
from firetower.core.filters.operators import Test

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
