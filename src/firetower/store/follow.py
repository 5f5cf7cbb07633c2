"""Following the outcomes of executions as they come."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from firetower.core.executions import Execution, Status
from firetower.core.feed import FeedLine
from firetower.store import schema
from firetower.store.changes import Reader, is_postgresql
from firetower.store.executions import build_attempt, read_executions, select_executions

_executions, _attempts = schema.executions.c, schema.attempts.c
_FINAL = [status.value for status in Status if status.is_final]

_WINDOW = 1_000
"""On PostgreSQL, how far back a follower looks for numbers that were committed late."""


@dataclass(slots=True)
class Follower:
    """Follows outcomes from a place in the history: each is handed out once, in order."""

    execution_id: int
    attempt_id: int
    _seen: set[tuple[bool, int]] = field(default_factory=set)

    @classmethod
    def from_now(cls, connection: Connection) -> "Follower":
        """Begin after the newest outcome."""
        newest = _newest(connection)
        follower = cls(*newest)
        if is_postgresql(connection):
            follower._mark_window(connection)
        return follower

    def _mark_window(self, connection: Connection) -> None:
        for first, column, top in (
            (True, _executions.id, self.execution_id),
            (False, _attempts.id, self.attempt_id),
        ):
            ids = connection.execute(select(column).where(column > top - _WINDOW)).scalars()
            self._seen.update((first, number) for number in ids)

    def poll(self, reader: Reader) -> Sequence[FeedLine]:
        """Return the lines of the outcomes since the last call."""
        connection = reader.connection
        window = _WINDOW if is_postgresql(connection) else 0
        ended = read_executions(
            reader,
            select_executions()
            .where(
                _executions.id > self.execution_id - window,
                _executions.status.in_(_FINAL),
                _executions.attempts == 0,
            )
            .order_by(_executions.id),
        )
        newest, _ = _newest(connection)
        rows = connection.execute(
            select(schema.attempts)
            .where(_attempts.id > self.attempt_id - window)
            .order_by(_attempts.id)
        ).all()
        tried = _read_many(reader, {row.execution_id for row in rows})
        lines = [(True, execution.id, FeedLine.of(execution)) for execution in ended] + [
            (False, row.id, FeedLine.of(tried[row.execution_id], build_attempt(row)))
            for row in rows
        ]
        fresh = [line for first, number, line in lines if (first, number) not in self._seen]
        self.execution_id = max(self.execution_id, newest)
        self.attempt_id = max([self.attempt_id, *(row.id for row in rows)])
        if window:
            self._seen.update((first, number) for first, number, _ in lines)
        return sorted(fresh, key=lambda line: line.at)

    def poll_executions(self, reader: Reader) -> Sequence[Execution]:
        """Return the executions that are new or have an outcome since the last call, by id.

        Each comes once, as it stands now.
        """
        waiting = read_executions(
            reader,
            select_executions().where(
                _executions.id > self.execution_id, _executions.status.not_in(_FINAL)
            ),
        )
        changed = {execution.id: execution for execution in waiting}
        changed.update((line.execution.id, line.execution) for line in self.poll(reader))
        return [changed[number] for number in sorted(changed)]


def _newest(connection: Connection) -> tuple[int, int]:
    execution = connection.execute(select(func.max(_executions.id))).scalar() or 0
    attempt = connection.execute(select(func.max(_attempts.id))).scalar() or 0
    return execution, attempt


def _read_many(reader: Reader, ids: set[int]) -> dict[int, Execution]:
    if not ids:
        return {}
    found = read_executions(reader, select_executions().where(_executions.id.in_(ids)))
    return {execution.id: execution for execution in found}
