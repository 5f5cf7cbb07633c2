"""The automations that one event type can fire in one place, arranged to be tested quickly."""

from collections.abc import Iterable, Iterator
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
            self._by_field[condition.field].remove(revision)
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

    What a text has to equal, or to begin with, is looked up: however many revisions name one,
    only those are touched whose text it is.
    """

    __slots__ = ("_get", "_named", "_tests", "_unnamed")

    def __init__(self, get: Getter) -> None:
        self._get = get
        self._tests: list[_Tested] = []
        self._unnamed: list[_Tested] = []
        """Those of the tests whose texts cannot be looked up."""
        self._named: dict[int | None, dict[str, list[Revision]]] = {}
        """By the length that is looked at (None: all of it), then by the text."""

    def add(self, predicate: Predicate, revision: Revision) -> None:
        self._tests.append((predicate.test, revision))
        plain = predicate.plain
        if plain is None or not plain.at_start or len(plain.texts) > 1:
            self._unnamed.append((predicate.test, revision))
            return
        (text,) = plain.texts
        by_text = self._named.setdefault(None if plain.at_end else len(text), {})
        by_text.setdefault(text, []).append(revision)

    def remove(self, revision: Revision) -> None:
        self._tests = [tested for tested in self._tests if tested[1].id != revision.id]
        self._unnamed = [tested for tested in self._unnamed if tested[1].id != revision.id]
        for by_text in self._named.values():
            for text, named in by_text.items():
                by_text[text] = [one for one in named if one.id != revision.id]

    def matching(self, event: Event) -> list[Revision]:
        value = self._get(event)
        if not isinstance(value, str):
            return [revision for test, revision in self._tests if test(value)]
        found = [revision for test, revision in self._unnamed if test(value)]
        for length, by_text in self._named.items():
            found += by_text.get(value[:length], ())
        return found
