"""A worker's copy of the automations and endpoints, read again only where they changed."""

import gc
from typing import Any

from sqlalchemy import Select, func, select

from firetower.core.automations import Mode, Revision
from firetower.core.endpoints import Endpoint
from firetower.core.matching import AutomationIndex
from firetower.store import schema
from firetower.store.automations import build_revision
from firetower.store.changes import ENDPOINTS_VERSION, Newest, Reader
from firetower.store.columns import MAX_INTEGER
from firetower.store.driver import Prepared
from firetower.store.endpoints import list_endpoints
from firetower.store.schema import UNEVALUATED

_events, _revisions = schema.events.c, schema.revisions.c
_MAX_ID = select(func.max(_revisions.id)).scalar_subquery()
_SAVED_AT = select(_revisions.saved_at).where(_revisions.id == _MAX_ID).scalar_subquery()
_NEWEST = Prepared(select(func.coalesce(_MAX_ID, 0), _SAVED_AT, ENDPOINTS_VERSION))
_OLDEST_WAITING = select(func.coalesce(func.min(_events.id), MAX_INTEGER)).where(UNEVALUATED)
"""The id of the first event to be evaluated; larger than all where none waits."""


class AutomationCache:
    """The revisions in force and the endpoints.

    Every save adds a revision with a higher number, committed in order, so that only the new ones
    need reading. Endpoints are few, and read whole when their version has changed. Where the
    newest revision known is gone, a backup was restored, and all is read again.
    """

    def __init__(self) -> None:
        self.index = AutomationIndex()
        self.endpoints: dict[int, Endpoint] = {}
        self._newest: Newest | None = None
        self._endpoints_version: str | None = None

    def refresh(self, reader: Reader) -> None:
        """Read what has changed.

        Call it after reading the events to evaluate: what was saved before they were recorded is
        then sure to be seen.
        """
        *revision, endpoints_version = _NEWEST.first(reader.connection)
        newest = Newest(*revision)
        if newest != self._newest:
            known = self._newest
            if known and known.is_lost(reader.connection, schema.revisions, _revisions.saved_at):
                self.index, self._newest = AutomationIndex(), None
            self._read_revisions(reader)
            self._newest = newest
        if endpoints_version is None or endpoints_version != self._endpoints_version:
            self.endpoints = {one.id: one for one in list_endpoints(reader)}
            self._endpoints_version = endpoints_version

    def _read_revisions(self, reader: Reader) -> None:
        query = select(schema.revisions).order_by(_revisions.id)
        if self._newest is not None:
            self._add(reader, query.where(_revisions.id > self._newest.id))
            # Only after that: an event that an ended revision fires was recorded before its end.
            self.index.forget_before(reader.connection.execute(_OLDEST_WAITING).scalar_one())
            return
        acting = _revisions.mode.in_([Mode.ENABLED.value, Mode.SHADOW.value])
        current = _revisions.until_event_id.is_(None)
        waited_for = _revisions.until_event_id >= _OLDEST_WAITING.scalar_subquery()
        gc.disable()  # it would scan these long-lived objects again and again
        try:
            self._add(reader, query.where(acting, current | waited_for))
            gc.freeze()
        finally:
            gc.enable()

    def _add(self, reader: Reader, query: Select[Any]) -> None:
        for row in reader.connection.execute(query):
            self.index.add(build_revision(row))

    def revision(self, reader: Reader, revision_id: int) -> Revision:
        """Return a revision, from the database where the index has dropped it."""
        found = self.index.revision(revision_id)
        if found is not None:
            return found
        query = select(schema.revisions).where(_revisions.id == revision_id)
        return build_revision(reader.connection.execute(query).one())
