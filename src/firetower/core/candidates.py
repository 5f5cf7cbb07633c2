"""The automations that one event type in one place can fire, arranged to be tested quickly."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from firetower.core.automations import Revision
from firetower.core.events import Event
from firetower.core.filters import Node, Predicate
from firetower.core.filters.fields import Getter
from firetower.core.filters.operators import Test

_T = TypeVar("_T")


class Candidates:
    """Revisions, of whose filters most ask for one field: an event's is read once for them all."""

    __slots__ = ("_by_field", "_others", "_revisions")

    def __init__(self, revisions: Iterable[Revision] = ()) -> None:
        self._revisions: dict[int, Revision] = {}
        self._by_field: dict[str, tuple[Getter, list[tuple[Test, Revision]]]] = {}
        self._others: list[tuple[Node, Revision]] = []
        for revision in revisions:
            self.add(revision)

    def __iter__(self) -> Iterator[Revision]:
        return iter(self._revisions.values())

    def add(self, revision: Revision) -> None:
        """Take in a revision."""
        self._revisions[revision.id] = revision
        condition = revision.definition.filter.root
        if isinstance(condition, Predicate):
            _, tests = self._by_field.setdefault(condition.field, (condition.get, []))
            tests.append((condition.test, revision))
        else:
            self._others.append((condition, revision))

    def remove(self, revision: Revision) -> None:
        """Drop a revision."""
        del self._revisions[revision.id]
        self._others = _without(self._others, revision)
        self._by_field = {
            field: (get, _without(tests, revision))
            for field, (get, tests) in self._by_field.items()
        }

    def matching(self, event: Event) -> list[Revision]:
        """Return the revisions that the event fires, the oldest first."""
        found = [revision for node, revision in self._others if node.holds(event)]
        for get, tests in self._by_field.values():
            value = get(event)
            found += [revision for test, revision in tests if test(value)]
        if len(found) > 1:
            found.sort(key=lambda revision: revision.id)
        return [revision for revision in found if revision.in_force_at(event)]


def _without(entries: list[tuple[_T, Revision]], revision: Revision) -> list[tuple[_T, Revision]]:
    return [entry for entry in entries if entry[1].id != revision.id]
