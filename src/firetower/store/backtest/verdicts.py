"""Filters as SQL, in three values: what a filter says of a row, as far as SQL can tell.

SQL compares almost as a filter does, and where it does not it must not decide: it answers DOUBT,
and the row is tested in Python. NO and YES are final, so each rule here says less than it could
rather than more than it knows.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Integer, case, func, literal_column

from firetower.core.filters.nodes import All, AnyOf, Node, Not, Predicate

Verdict: TypeAlias = ColumnElement[int]
Judge: TypeAlias = Callable[[Predicate], Verdict]

NO: Verdict = literal_column("0", Integer)
DOUBT: Verdict = literal_column("1", Integer)
YES: Verdict = literal_column("2", Integer)

_LONGEST = 40
"""Parts of a combination that are left to SQL: SQLite's functions take 100 arguments."""
_DEEPEST = 6
"""Levels of combinations that are left to SQL: SQLite's parser may hold 100 unfinished tokens."""


def when(condition: ColumnElement[bool]) -> Verdict:
    """Return YES where a condition is true, and NO elsewhere."""
    return case((condition, YES), else_=NO)


class Logic:
    """How verdicts combine on one kind of database."""

    def __init__(self, *, is_sqlite: bool) -> None:
        self.is_sqlite = is_sqlite
        self._least: Callable[..., Any] = func.min if is_sqlite else func.least
        self._greatest: Callable[..., Any] = func.max if is_sqlite else func.greatest

    def all(self, verdicts: Sequence[Verdict]) -> Verdict:
        """Return the verdict on all of some parts together: the lowest of theirs."""
        return self._joined(self._least, verdicts, YES)

    def any(self, verdicts: Sequence[Verdict]) -> Verdict:
        """Return the verdict on any of some parts: the highest of theirs."""
        return self._joined(self._greatest, verdicts, NO)

    def negated(self, verdict: Verdict) -> Verdict:
        """Return the opposite of a verdict; doubt stays."""
        return YES - verdict

    def _joined(
        self, join: Callable[..., Any], verdicts: Sequence[Verdict], none: Verdict
    ) -> Verdict:
        if len(verdicts) > _LONGEST:
            return DOUBT
        if len(verdicts) < 2:  # SQLite takes min(x) for the lowest of all rows
            return verdicts[0] if verdicts else none
        joined: Verdict = join(*verdicts)
        return joined

    def of(self, node: Node, judge: Judge, depth: int = 0) -> Verdict:
        """Return what a filter says of a row, given what each of its predicates says."""
        if isinstance(node, Predicate):
            return judge(node)
        if depth == _DEEPEST:
            return DOUBT
        match node:
            case All():
                return self.all([self.of(part, judge, depth + 1) for part in node.parts])
            case AnyOf():
                return self.any([self.of(part, judge, depth + 1) for part in node.parts])
            case Not():
                return self.negated(self.of(node.part, judge, depth + 1))
        return DOUBT
