"""Every automation with how often it fired of late, read again only where something changed."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, true

from firetower.core.automations import Automation, Revision
from firetower.core.references import ContainerReference
from firetower.store import schema
from firetower.store.automations import build_automation, build_revision, select_current
from firetower.store.catalog.lookups import find_container
from firetower.store.firings import Firings

_automations, _revisions = schema.automations.c, schema.revisions.c
_FEW = 200
"""Revisions that are asked for one by one; more of them are read as a whole."""


class Overview:
    """The automations as they were read last: what has not changed is not read again.

    A revision never changes; what is written in it is parsed only where it is looked at.
    """

    def __init__(self) -> None:
        self._firings = Firings()
        self._revisions: dict[int, Revision] = {}
        self._automations: dict[int, Automation] = {}
        self._newest_revision = 0
        self._orders: dict[int | None, list[int]] = {}
        """The automations of each container by name, until any of them is changed."""
        self._lock = threading.Lock()

    def read(
        self, connection: Connection, container_id: int | None, now: datetime, limit: int | None
    ) -> list[Automation]:
        """Return the automations of a container, or of all, by name; or the first of them."""
        with self._lock:
            self._catch_up(connection, now)
            order = self._orders.get(container_id)
            if order is None:
                order = self._order(connection, container_id, limit)
            if limit is None:
                self._orders[container_id] = order
            return [self._automations[number] for number in order[:limit]]

    def _catch_up(self, connection: Connection, now: datetime) -> None:
        newest = connection.execute(select(func.max(_revisions.id))).scalar() or 0
        if newest != self._newest_revision:
            self._newest_revision = newest
            self._orders.clear()
        changed = self._firings.catch_up(connection, now) & self._automations.keys()
        for number, firing in self._firings.of(connection, list(changed)).items():
            self._automations[number] = replace(
                self._automations[number],
                last_fired_at=firing.last_at,
                fired_24h=firing.within_day,
                shadow_24h=firing.in_shadow,
            )

    def _order(
        self, connection: Connection, container_id: int | None, limit: int | None
    ) -> list[int]:
        """Read which automations there are, and of those that are new or changed all of it."""
        condition: ColumnElement[bool] = true()
        if container_id is not None:
            condition = _revisions.container_id == container_id
        query = (
            select_current()
            .with_only_columns(
                _revisions.id,
                _revisions.automation_id,
                _automations.name,
                _automations.created_at.label("made_at"),
            )
            .where(condition, _automations.deleted_at.is_(None))
            .order_by(_automations.name)
            .limit(limit)
        )
        rows: Sequence[Any] = connection.execute(query).all()
        self._learn(connection, condition, [row.id for row in rows])
        fired = self._firings.of(connection, [row.automation_id for row in rows])
        for row in rows:
            known = self._automations.get(row.automation_id)
            if known is None or known.revision.id != row.id:
                self._automations[row.automation_id] = build_automation(
                    row, self._revisions[row.id], fired[row.automation_id]
                )
        return [row.automation_id for row in rows]

    def _learn(
        self, connection: Connection, condition: ColumnElement[bool], ids: Sequence[int]
    ) -> None:
        missing = [number for number in ids if number not in self._revisions]
        which = _revisions.id.in_(missing) if len(missing) < _FEW else condition
        if missing:
            for row in connection.execute(select_current().where(which)):
                if row.id not in self._revisions:
                    self._revisions[row.id] = build_revision(row, read=False)


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
    number = None if container is None else find_container(connection, container)
    return overview.read(connection, number, now, limit)
