"""Reading many events piece by piece, so that nobody waits long for an answer to be given up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, bindparam, func, select

from firetower.core.errors import Cancelled
from firetower.store import schema

_events = schema.events.c
_AFTER, _UPTO = bindparam("after", type_=BigInteger), bindparam("upto", type_=BigInteger)
_PIECE = 20_000
"""Ids in a piece: some 50 ms of work, however few of its events are let through."""
_STREAMED = {"yield_per": 2_000}
"""Rows at a time in memory, for a version's metadata may be large."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The events that satisfy some conditions, in runs of their ids."""

    connection: Connection
    conditions: Sequence[ColumnElement[bool]]
    first: int
    last: int
    wanted: Callable[[], bool]

    @classmethod
    def of(
        cls,
        connection: Connection,
        conditions: Sequence[ColumnElement[bool]],
        recorded: ColumnElement[bool],
        wanted: Callable[[], bool],
    ) -> "Pieces":
        """Return the events recorded at some time that satisfy more conditions."""
        ids = select(func.min(_events.id), func.max(_events.id)).where(recorded)
        first, last = connection.execute(ids).one()
        if first is None:
            first, last = 1, 0
        return cls(connection, (*conditions, recorded), first, last, wanted)

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Return a query of events, narrowed to those of one piece."""
        return query.where(*self.conditions, _events.id > _AFTER, _events.id <= _UPTO)

    def rows(self, query: Select[Any]) -> Iterator[Any]:
        """Yield the rows of a query made of a narrowed one, a piece at a time and in their order.

        Raises Cancelled as soon as `wanted` says no.
        """
        for after in range(self.first - 1, self.last, _PIECE):
            if not self.wanted():
                raise Cancelled
            piece = {"after": after, "upto": after + _PIECE}
            with self.connection.execute(query, piece, execution_options=_STREAMED) as rows:
                yield from rows
