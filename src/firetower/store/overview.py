"""Every automation with how often it fired of late, read again only where something changed."""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, true

from firetower.core.automations import Automation, Revision
from firetower.core.references import ContainerReference
from firetower.store import tables
from firetower.store.automations import build_automation, build_revision, select_current
from firetower.store.catalog.lookups import find_container
from firetower.store.firings import Firing, Firings

_automations, _revisions = tables.automations.c, tables.revisions.c
_FEW = 200
"""Revisions that are asked for one by one; more of them are read as a whole."""


class Overview:
    """The automations as they were read last: what has not changed is not read again.

    A revision never changes, and parsing thousands of them takes longer than all the rest.
    """

    def __init__(self) -> None:
        self._firings = Firings()
        self._revisions: dict[int, Revision] = {}
        self._automations: dict[int, Automation] = {}
        self._lock = threading.Lock()

    def read(
        self,
        connection: Connection,
        condition: ColumnElement[bool],
        now: datetime,
        limit: int | None = None,
    ) -> list[Automation]:
        """Return the automations of a condition by name, or the first of them."""
        query = (
            select_current()
            .with_only_columns(
                _revisions.id, _revisions.automation_id, _automations.created_at.label("made_at")
            )
            .where(condition, _automations.deleted_at.is_(None))
            .order_by(_automations.name)
            .limit(limit)
        )
        with self._lock:
            rows: Sequence[Any] = connection.execute(query).all()
            self._learn(connection, condition, [row.id for row in rows])
            fired = self._firings.of(connection, [row.automation_id for row in rows], now)
            return [self._automation(row, fired[row.automation_id]) for row in rows]

    def _learn(
        self, connection: Connection, condition: ColumnElement[bool], ids: Sequence[int]
    ) -> None:
        missing = [number for number in ids if number not in self._revisions]
        which = _revisions.id.in_(missing) if len(missing) < _FEW else condition
        if missing:
            for row in connection.execute(select_current().where(which)):
                if row.id not in self._revisions:
                    self._revisions[row.id] = build_revision(row)

    def _automation(self, row: Any, firing: Firing) -> Automation:  # noqa: ANN401 - a row of `read`
        known = self._automations.get(row.automation_id)
        if (
            known is None
            or known.revision.id != row.id
            or (known.last_fired_at, known.fired_24h) != (firing.last_at, firing.within_day)
        ):
            known = build_automation(row, self._revisions[row.id], firing)
            self._automations[row.automation_id] = known
        return known


def list_automations(
    connection: Connection,
    overview: Overview,
    now: datetime,
    container: ContainerReference | None = None,
    limit: int | None = None,
) -> list[Automation]:
    """Return every automation by name, with how often it fired of late.

    `container` narrows them to one registry or project, `limit` to the first of them. Raises
    NotFound for the container.
    """
    condition: ColumnElement[bool] = true()
    if container is not None:
        condition = _revisions.container_id == find_container(connection, container)
    return overview.read(connection, condition, now, limit)
