"""What SQL says of a filter's predicates on events, given the values there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, case, or_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from firetower.core.filters.fields import METADATA, MISSING
from firetower.core.filters.nodes import Predicate
from firetower.store.backtest import values
from firetower.store.backtest.compare import compare
from firetower.store.backtest.values import Found
from firetower.store.backtest.verdicts import DOUBT, NO, YES, Logic, Verdict, when
from firetower.store.collection_cache import CachedCollection

COLUMNS: Mapping[str, str] = {
    "alias": "text",
    "tag": "text",
    "author": "text",
    "version_index": "integer",
}
"""The fields that are columns of the events, and the kind of their values."""
MANY = 500
"""Distinct values above which they are not tested one by one, nor named in a query."""

Path: TypeAlias = tuple[str, ...]
Columns: TypeAlias = ReadOnlyColumnCollection[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the events before they are read."""

    logic: Logic
    covered: Mapping[int, CachedCollection]
    """The collections in the scope."""
    few: Mapping[str, Sequence[Any]]
    """The distinct values of the fields that have few."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The verdict on each predicate, over the columns of one query."""

    known: Known
    columns: Columns
    found: Mapping[Path, Found]
    """The values at those paths of the metadata that SQL reads."""
    unreadable: ColumnElement[bool] | None = None
    """Whether a row's metadata is not for SQL to read; None where no row's is."""

    def __call__(self, predicate: Predicate) -> Verdict:
        """Return the verdict on a predicate."""
        if (path := metadata_path(predicate)) is not None:
            return self._of_metadata(predicate, path)
        if predicate.field in COLUMNS:
            return self._of_column(predicate)
        return self._of_collection(predicate)

    def _of_collection(self, predicate: Predicate) -> Verdict:
        covered = self.known.covered
        by_name = predicate.field == "collection"
        passing = [
            number
            for number, collection in covered.items()
            if predicate.test(collection.reference.name if by_name else collection.type)
        ]
        if len(passing) in {0, len(covered)}:
            return YES if passing else NO
        if len(passing) > MANY:
            return DOUBT
        return when(self.columns["collection_id"].in_(passing))

    def _of_column(self, predicate: Predicate) -> Verdict:
        """Values are few and events many: it is the values that are tested, where they are few."""
        field, logic = predicate.field, self.known.logic
        column, few = self.columns[field], self.known.few.get(field)
        if few is None:
            found = values.in_column(column, COLUMNS[field], is_sqlite=logic.is_sqlite)
            return compare(logic, predicate, found)
        passes = column.in_([value for value in few if predicate.test(value)])
        if predicate.test(MISSING):
            passes = or_(passes, column.is_(None))
        return when(passes)

    def _of_metadata(self, predicate: Predicate, path: Path) -> Verdict:
        found = self.found.get(path)
        if found is None or self.unreadable is None:
            return DOUBT
        dotted = [self.found[one].kind.is_not(None) for one in values.dotted_paths(path)]
        verdict = compare(self.known.logic, predicate, found)
        return case((or_(self.unreadable, *dotted), DOUBT), else_=verdict)


def metadata_path(predicate: Predicate) -> Path | None:
    """Return the keys that a predicate asks the metadata for; None if it asks for another field."""
    root, _, path = predicate.field.partition(".")
    return tuple(path.split(".")) if root == METADATA else None
