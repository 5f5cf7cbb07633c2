"""Whole lists of automations, kept between the refreshes of a screen."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from firetower.core.automations import Automation
from firetower.core.references import ContainerReference
from firetower.store import schema
from firetower.store.automations import list_automations
from firetower.store.changes import Reader

_revisions, _executions = schema.revisions.c, schema.executions.c
_RECOUNT = timedelta(minutes=5)
"""How long counts are kept: then what has left the last 24 hours is taken off."""


@dataclass(frozen=True, slots=True)
class _Kept:
    read_at: datetime
    revision_id: int
    execution_id: int
    automations: dict[int, Automation]


class AutomationLists:
    """Reads all of ten thousand automations once, in 0.2 s; after that only those that fired."""

    def __init__(self) -> None:
        self._kept: dict[ContainerReference | None, _Kept] = {}

    def read(self, reader: Reader, container: ContainerReference | None) -> list[Automation]:
        """Return the automations of a container, or all, by name. Raises NotFound."""
        connection, now = reader.connection, reader.now
        revision_id = connection.execute(select(func.max(_revisions.id))).scalar() or 0
        execution_id = connection.execute(select(func.max(_executions.id))).scalar() or 0
        kept = self._kept.get(container)
        if (
            kept is None
            or kept.revision_id != revision_id
            or not kept.read_at <= now < kept.read_at + _RECOUNT
        ):
            found = list_automations(reader, container)
            kept = _Kept(now, revision_id, execution_id, {one.id: one for one in found})
        elif kept.execution_id != execution_id:
            fired = select(_executions.automation_id).where(_executions.id > kept.execution_id)
            found = list_automations(reader, container, among=fired)
            automations = kept.automations | {one.id: one for one in found}
            kept = _Kept(kept.read_at, revision_id, execution_id, automations)
        self._kept[container] = kept
        return list(kept.automations.values())
